//! Search finds words of every script, in the viewer's scope only.

use crate::world::World;
use app::{contacts, reply, tickets};
use domain::message::{AuthorKind, Direction};
use store::for_each_backend;
use store::queries::messages;

for_each_backend! {
    async fn words_are_found_in_three_languages_within_the_viewers_scope(db) {
        let world = World::new(db).await;
        let (ada, _) = world.contact("Ada").await;
        let korean = world.ticket(ada.id, |t| t.subject = "문의".into()).await;
        let japanese = world.ticket(ada.id, |t| t.subject = "問い合わせ".into()).await;
        let english = world.ticket(ada.id, |t| t.queue_id = world.far).await;
        world.says(korean.id, "주문한 상품의 배송이 늦어요").await;
        world.says(japanese.id, "商品の配送はいつですか").await;
        world.says(english.id, "Please refund my café order").await;
        world.work().await;
        assert_eq!(world.found(&world.boss, "배송").await, [korean.id]);
        assert_eq!(world.found(&world.boss, "配送").await, [japanese.id]);
        assert_eq!(world.found(&world.boss, "refun").await, [english.id]);
        assert_eq!(world.found(&world.boss, "CAFE order").await, [english.id]);
        assert_eq!(world.found(&world.boss, "ada").await, [english.id, japanese.id, korean.id]);
        assert_eq!(world.found(&world.boss, &format!("#{}", korean.number)).await, [korean.id]);
        assert_eq!(world.found(&world.anna, "refund").await, []);
        assert_eq!(world.found(&world.anna, "ada").await, [japanese.id, korean.id]);
        for odd in ["\"", "' OR 1=1 --", "* AND NOT", "refund OR 배송", "!!", "NEAR(a b)"] {
            assert_eq!(world.found(&world.boss, odd).await, [], "{odd}");
        }
        let total = world.reader(&world.anna).tickets_total(tickets::TicketFilter::default(), Some("ada")).await;
        assert_eq!(total.unwrap().n, 2);
        let (people, _) = world.reader(&world.anna).contacts(Some("ad"), 10, None).await.unwrap();
        assert!(people.is_empty(), "this contact was stored without its job");
        contacts::update(&world.app, &world.anna, ada.id, Some("Ada Lovelace".into()), None).await.unwrap();
        world.work().await;
        let (people, _) = world.reader(&world.anna).contacts(Some("love"), 10, None).await.unwrap();
        assert_eq!(people.len(), 1);
        assert_eq!(world.found(&world.anna, "lovelace").await, [japanese.id, korean.id]);
    }

    async fn deleted_words_are_not_found(db) {
        let world = World::new(db).await;
        let (ada, _) = world.contact("Ada").await;
        let ticket = world.ticket(ada.id, |_| {}).await;
        let mut secret = world.says(ticket.id, "the password is swordfish").await;
        world.work().await;
        assert_eq!(world.found(&world.anna, "swordfish").await, [ticket.id]);
        let tx = world.app.begin(world.tenant, "test.author").await.unwrap();
        secret.author = AuthorKind::User;
        secret.direction = Direction::Outbound;
        messages::update(&tx, secret.clone()).await.unwrap();
        world.app.commit(tx, ()).await.unwrap();
        reply::delete(&world.app, &world.anna, secret.id).await.unwrap();
        world.work().await;
        assert_eq!(world.found(&world.anna, "swordfish").await, []);
        assert_eq!(world.found(&world.anna, "where").await, [ticket.id]);
    }

    async fn another_tenants_words_stay_there(db) {
        let (here, there) = (World::new(db).await, World::new_beside(db).await);
        for world in [&here, &there] {
            let (ada, _) = world.contact("Ada").await;
            let ticket = world.ticket(ada.id, |_| {}).await;
            world.says(ticket.id, "platypus").await;
        }
        here.work().await;
        assert_eq!(here.found(&here.boss, "platypus").await.len(), 1);
        assert_eq!(there.found(&there.boss, "platypus").await.len(), 1);
        assert!(here.reader(&here.boss).ticket(there.found(&there.boss, "platypus").await[0]).await.is_err());
    }
}
