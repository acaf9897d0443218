//! Promises of leases: epochs, takeovers, presence.

use super::tenant;
use crate::{Store, Tx, events, for_each_backend, leases};
use domain::image::Image;
use domain::{InboxId, NodeId, TenantId, UserId};

const TTL: chrono::Duration = chrono::Duration::seconds(10);

async fn begin(store: &Store) -> Tx {
    store.begin_global("test.lease").await.expect("begins")
}

async fn join(store: &Store) -> NodeId {
    let node = NodeId::new(store.now());
    let mut tx = begin(store).await;
    let until = tx.now() + TTL;
    leases::join(&mut tx, node, "api,router", until)
        .await
        .expect("joins");
    tx.commit(()).await.expect("commits");
    node
}

async fn connected(store: &Store, tenant: TenantId) -> Vec<bool> {
    let all = leases::presences(&store.read(), tenant, store.now())
        .await
        .expect("reads");
    all.iter().map(|presence| presence.connected).collect()
}

for_each_backend! {
    async fn a_node_that_slept_past_its_lease_cannot_route(db) {
        let first = join(&db.store).await;
        let tx = begin(&db.store).await;
        let shards = leases::take_shards(&tx, first, 64).await.expect("takes");
        assert_eq!(shards.len(), 64);
        leases::check_shard(&tx, first, shards[0]).await.expect("it is ours");
        tx.commit(()).await.expect("commits");
        db.clock.advance(TTL);
        let second = join(&db.store).await;
        let tx = begin(&db.store).await;
        let taken = leases::take_shards(&tx, second, 64).await.expect("takes");
        assert_eq!((taken.len(), taken[0].epoch), (64, shards[0].epoch + 1));
        let late = leases::check_shard(&tx, first, shards[0]).await.expect_err("the epoch is over");
        assert!(late.is_conflict());
        leases::check_shard(&tx, second, taken[0]).await.expect("the new owner may");
        tx.commit(()).await.expect("commits");
        let tx = begin(&db.store).await;
        let late = leases::renew(&tx, first, tx.now() + TTL).await.expect_err("it is dead to the others");
        assert!(late.is_conflict());
    }

    async fn a_shard_given_back_and_taken_again_is_another_lease(db) {
        let node = join(&db.store).await;
        let tx = begin(&db.store).await;
        let old = leases::take_shards(&tx, node, 1).await.expect("takes").remove(0);
        leases::release_shard(&tx, node, old).await.expect("releases");
        let new = leases::take_shards(&tx, node, 1).await.expect("takes").remove(0);
        assert_eq!((new.shard, new.epoch), (old.shard, old.epoch + 1));
        leases::check_shard(&tx, node, new).await.expect("it is ours");
        let late = leases::check_shard(&tx, node, old).await.expect_err("that lease is over");
        assert!(late.is_conflict());
    }

    async fn an_inbox_session_has_one_node(db) {
        let inbox = InboxId::new(db.store.now());
        let first = join(&db.store).await;
        let tx = begin(&db.store).await;
        let until = tx.now() + TTL;
        assert_eq!(leases::take_inbox(&tx, inbox, first, until).await.expect("takes"), Some(1));
        assert_eq!(leases::take_inbox(&tx, inbox, first, until).await.expect("keeps"), Some(1));
        let other = NodeId::new(tx.now());
        assert_eq!(leases::take_inbox(&tx, inbox, other, until).await.expect("asks"), None);
        tx.commit(()).await.expect("commits");
        db.clock.advance(TTL);
        let tx = begin(&db.store).await;
        let until = tx.now() + TTL;
        assert_eq!(leases::take_inbox(&tx, inbox, other, until).await.expect("takes over"), Some(2));
    }

    async fn an_agent_is_gone_when_her_last_socket_is(db) {
        let tenant = tenant(&db.store).await;
        let node = join(&db.store).await;
        let user = UserId::new(db.store.now());
        let mut tx = db.store.begin(tenant, "test.connect").await.expect("begins");
        let one = leases::connect(&mut tx, tenant, user, None, node).await.expect("connects");
        let two = leases::connect(&mut tx, tenant, user, None, node).await.expect("connects");
        leases::disconnect(&mut tx, tenant, one).await.expect("disconnects");
        tx.commit(()).await.expect("commits");
        assert_eq!(connected(&db.store, tenant).await, [true]);
        let mut tx = db.store.begin(tenant, "test.disconnect").await.expect("begins");
        leases::disconnect(&mut tx, tenant, two).await.expect("disconnects");
        leases::disconnect(&mut tx, tenant, two).await.expect("once is enough");
        tx.commit(()).await.expect("commits");
        assert_eq!(connected(&db.store, tenant).await, [false]);
        let told: Vec<bool> = events::after(&db.store.read(), tenant, 0, 10)
            .await
            .expect("reads")
            .into_iter()
            .filter_map(|event| match event.image {
                Image::Presence(presence) => Some(presence.connected),
                _ => None,
            })
            .collect();
        assert_eq!(told, [true, false], "a second socket is no news");
    }

    async fn the_sockets_of_a_dead_node_are_gone_with_it(db) {
        let tenant = tenant(&db.store).await;
        let node = join(&db.store).await;
        let user = UserId::new(db.store.now());
        let mut tx = db.store.begin(tenant, "test.connect").await.expect("begins");
        leases::connect(&mut tx, tenant, user, None, node).await.expect("connects");
        tx.commit(()).await.expect("commits");
        assert_eq!(connected(&db.store, tenant).await, [true]);
        db.clock.advance(TTL);
        join(&db.store).await;
        assert_eq!(connected(&db.store, tenant).await, [false]);
    }
}
