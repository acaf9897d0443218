//! Promises of the rows routing reads.

use super::{new_ticket, world};
use crate::{events, for_each_backend, leases, routing};
use domain::agent_state::AgentState;
use domain::event::ScopeKey;
use domain::image::Image;
use domain::offer::{NewOffer, Offer};
use domain::work_item::{CompletedReason, WorkItem};
use domain::{NodeId, OfferId, UserId};

for_each_backend! {
    async fn a_snapshot_holds_what_is_live_as_it_was_put(db) {
        let world = world(&db.store).await;
        let mut tx = db.store.begin(world.tenant, "test.put").await.expect("begins");
        let now = tx.now();
        let user = UserId::new(now);
        let ticket = new_ticket(&tx, &world).await;
        let item = WorkItem::queued(world.tenant, ticket.id, world.queue.id, "sandbox".into(), 2, now);
        let item = routing::put_work_item(&mut tx, item).await.expect("puts");
        let offer = Offer::open(NewOffer {
            id: OfferId::new(now),
            tenant_id: world.tenant,
            work_item_id: item.id,
            ticket_id: ticket.id,
            queue_id: world.queue.id,
            user_id: user,
            reason: serde_json::json!({"rule": "least_loaded"}),
            expires_at: now + chrono::Duration::seconds(20),
        }, now);
        let offer = routing::put_offer(&mut tx, offer).await.expect("puts");
        let item = item.offer(offer.id, user).expect("it is queued").exclude(UserId::new(now), now, now);
        let item = routing::put_work_item(&mut tx, item).await.expect("puts");
        let agent = AgentState::offline(user, world.tenant, now).become_available(now);
        let agent = routing::put_agent_state(&mut tx, agent).await.expect("puts");
        leases::join(&mut tx, NodeId::from_uuid(user.uuid()), "all", now + chrono::Duration::seconds(10)).await.expect("joins");
        leases::connect(&mut tx, world.tenant, user, None, NodeId::from_uuid(user.uuid())).await.expect("connects");
        let over = new_ticket(&tx, &world).await;
        let done = WorkItem::queued(world.tenant, over.id, world.queue.id, "sandbox".into(), 0, now)
            .assign(user).expect("assigns").complete(CompletedReason::Closed).expect("completes");
        routing::put_work_item(&mut tx, done).await.expect("puts");
        let seq = tx.commit(()).await.expect("commits").seq;
        let (snapshot, head) = routing::snapshot(&db.store.read(), world.tenant, now).await.expect("reads");
        assert_eq!(Some(head.seq), seq);
        assert_eq!(snapshot.work_items, [item]);
        assert_eq!(snapshot.offers, [offer]);
        assert_eq!(snapshot.agents, [agent]);
        assert_eq!(snapshot.queues, [world.queue]);
        assert_eq!(snapshot.presences.len(), 1);
        assert!(snapshot.presences[0].presence.connected);
    }

    async fn a_put_of_an_old_version_is_a_conflict(db) {
        let world = world(&db.store).await;
        let mut tx = db.store.begin(world.tenant, "test.put").await.expect("begins");
        let now = tx.now();
        let agent = AgentState::offline(UserId::new(now), world.tenant, now);
        let agent = routing::put_agent_state(&mut tx, agent).await.expect("puts");
        assert_eq!(agent.version, 1);
        routing::put_agent_state(&mut tx, agent.clone()).await.expect("puts");
        let late = routing::put_agent_state(&mut tx, agent).await.expect_err("somebody was faster");
        assert!(late.is_conflict());
    }

    async fn a_ticket_has_one_live_item(db) {
        let world = world(&db.store).await;
        let mut tx = db.store.begin(world.tenant, "test.put").await.expect("begins");
        let now = tx.now();
        let ticket = new_ticket(&tx, &world).await;
        let item = || WorkItem::queued(world.tenant, ticket.id, world.queue.id, "sandbox".into(), 0, now);
        routing::put_work_item(&mut tx, item()).await.expect("puts");
        let second = routing::put_work_item(&mut tx, item()).await.expect_err("one is enough");
        assert!(second.is_conflict());
    }

    async fn a_moved_item_is_told_to_those_who_lose_it(db) {
        let world = world(&db.store).await;
        let mut tx = db.store.begin(world.tenant, "test.put").await.expect("begins");
        let now = tx.now();
        let (from, to) = (UserId::new(now), UserId::new(now));
        let ticket = new_ticket(&tx, &world).await;
        let item = WorkItem::queued(world.tenant, ticket.id, world.queue.id, "sandbox".into(), 0, now);
        let item = routing::put_work_item(&mut tx, item.assign(from).expect("assigns")).await.expect("puts");
        routing::put_work_item(&mut tx, item.assign(to).expect("assigns")).await.expect("puts");
        tx.commit(()).await.expect("commits");
        let log = events::after(&db.store.read(), world.tenant, 1, 1).await.expect("reads");
        assert!(matches!(log[0].image, Image::WorkItem(_)));
        for key in [ScopeKey::User(from), ScopeKey::User(to), ScopeKey::Queue(world.queue.id)] {
            assert!(log[0].scope.contains(&key), "{key} is missing in {:?}", log[0].scope);
        }
    }
}
