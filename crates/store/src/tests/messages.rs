//! Promises of the message path: versions, positions, early facts, counters, the log.

use super::{World, count, new_ticket, tenant, world};
use crate::counters::{self, CountDelta};
use crate::{Tx, events, for_each_backend, queries};
use domain::event::{Cursor, NewEvent, ScopeKey};
use domain::image::Image;
use domain::message::{
    Attachment, AttachmentState, AuthorKind, Direction, Message, MessageKind, MessageState,
};
use domain::ticket::{Ticket, TicketStatus};
use domain::{AttachmentId, MessageId, QueueId, UserId};
use queries::attachments::StoredAttachment;
use std::collections::BTreeMap;

fn message(tx: &Tx, ticket: &Ticket, external_id: &str) -> Message {
    Message {
        id: MessageId::new(tx.now()),
        tenant_id: ticket.tenant_id,
        ticket_id: ticket.id,
        conversation_id: None,
        direction: Direction::Inbound,
        kind: MessageKind::Text,
        state: MessageState::Received,
        author: AuthorKind::Contact,
        author_user_id: None,
        author_name: "Alice".into(),
        text: "안녕".into(),
        html: None,
        external_id: Some(external_id.into()),
        client_id: None,
        quoted_id: None,
        reactions: vec![],
        attachments: vec![],
        problem: None,
        position: 0,
        sent_at: tx.now(),
        created_at: tx.now(),
        edited_at: None,
        deleted_at: None,
        version: 0,
    }
}

async fn add(tx: &Tx, world: &World, ticket: &mut Ticket, external_id: &str) -> Message {
    let mut new = message(tx, ticket, external_id);
    let inbox = Some(world.inbox.id);
    queries::messages::insert(tx, ticket, &mut new, inbox, serde_json::json!({"k": 1}))
        .await
        .expect("inserts");
    new
}

for_each_backend! {
    async fn a_message_is_found_as_it_was_written(db) {
        let world = world(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.write").await.expect("begins");
        let mut ticket = new_ticket(&tx, &world).await;
        let first = add(&tx, &world, &mut ticket, "m1").await;
        let mut second = add(&tx, &world, &mut ticket, "m2").await;
        let attachment = Attachment {
            id: AttachmentId::new(tx.now()),
            state: AttachmentState::Pending,
            name: "cat.png".into(),
            media_type: "image/png".into(),
            size_bytes: None,
            problem: None,
        };
        second.attachments.push(attachment.clone());
        let stored = StoredAttachment {
            tenant_id: world.tenant,
            attachment,
            message_id: Some(second.id),
            uploaded_by: None,
            blob: None,
            source: Some("media-7".into()),
            ordinal: 0,
            created_at: tx.now(),
        };
        queries::attachments::insert(&tx, &stored).await.expect("inserts");
        let ticket = queries::tickets::update(&tx, ticket).await.expect("updates");
        tx.commit(()).await.expect("commits");
        let read = db.store.read();

        assert_eq!(queries::tickets::get(&read, world.tenant, ticket.id).await.expect("reads"), ticket);
        assert_eq!((first.position, second.position, ticket.message_head), (1, 2, 2));
        let page = queries::messages::before(&read, world.tenant, ticket.id, i64::MAX, 10).await.expect("reads");
        assert_eq!(page, [second.clone(), first]);
        let found = queries::messages::by_external_id(&read, world.tenant, world.inbox.id, "m2").await.expect("reads");
        assert_eq!(found.as_ref(), Some(&second));
        let route = queries::messages::route(&read, world.tenant, second.id).await.expect("reads");
        assert_eq!(route, (Some(world.inbox.id), serde_json::json!({"k": 1})));
    }

    async fn an_update_keeps_the_message_s_inbox_and_extra(db) {
        let world = world(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.write").await.expect("begins");
        let mut ticket = new_ticket(&tx, &world).await;
        let mut new = add(&tx, &world, &mut ticket, "m1").await;
        new.text = "edited".into();
        new.edited_at = Some(tx.now());
        let edited = queries::messages::update(&tx, new).await.expect("updates");
        tx.commit(()).await.expect("commits");
        let read = db.store.read();
        let found = queries::messages::by_external_id(&read, world.tenant, world.inbox.id, "m1").await.expect("reads");
        assert_eq!(found, Some(edited.clone()));
        let (_, extra) = queries::messages::route(&read, world.tenant, edited.id).await.expect("reads");
        assert_eq!(extra, serde_json::json!({"k": 1}));
    }

    async fn of_two_writers_of_one_version_the_second_loses(db) {
        let world = world(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.write").await.expect("begins");
        let ticket = new_ticket(&tx, &world).await;
        queries::tickets::update(&tx, ticket.clone()).await.expect("the first wins");
        let error = queries::tickets::update(&tx, ticket).await.expect_err("the second loses");
        assert!(error.is_conflict());
    }

    async fn a_repeated_external_id_of_one_inbox_is_a_conflict(db) {
        let world = world(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.write").await.expect("begins");
        let mut ticket = new_ticket(&tx, &world).await;
        add(&tx, &world, &mut ticket, "m1").await;
        let mut again = message(&tx, &ticket, "m1");
        let inbox = Some(world.inbox.id);
        let error = queries::messages::insert(&tx, &mut ticket, &mut again, inbox, serde_json::json!({}))
            .await
            .expect_err("the provider sent it twice");
        assert!(error.is_conflict());
    }

    async fn nothing_of_another_tenant_is_there(db) {
        let world = world(&db.store).await;
        let other = tenant(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.write").await.expect("begins");
        let mut ticket = new_ticket(&tx, &world).await;
        let mine = add(&tx, &world, &mut ticket, "m1").await;
        tx.commit(()).await.expect("commits");
        let read = db.store.read();
        assert!(queries::tickets::find(&read, other, ticket.id).await.expect("reads").is_none());
        assert!(queries::messages::find(&read, other, mine.id).await.expect("reads").is_none());
        assert!(queries::inboxes::find(&read, other, world.inbox.id).await.expect("reads").is_none());
        assert!(queries::queues::find(&read, other, world.queue.id).await.expect("reads").is_none());
        let handle = queries::identities::by_handle(&read, other, "sandbox", "", "alice").await;
        assert!(handle.expect("reads").is_none());
        let tx = db.store.begin(other, "test.steal").await.expect("begins");
        let mut stolen = ticket.clone();
        stolen.tenant_id = other;
        assert!(queries::tickets::update(&tx, stolen).await.expect_err("not hers").is_conflict());
    }

    async fn an_early_fact_is_given_out_once_in_the_order_of_arrival(db) {
        let world = world(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.early").await.expect("begins");
        for n in 1..=3 {
            let fact = serde_json::json!({"receipt": n});
            queries::early_facts::insert(&tx, world.tenant, world.inbox.id, "m9", fact).await.expect("keeps");
        }
        tx.commit(()).await.expect("commits");
        let tx = db.store.begin(world.tenant, "test.take").await.expect("begins");
        let other = queries::early_facts::take(&tx, world.tenant, world.inbox.id, "m8").await;
        assert!(other.expect("takes").is_empty());
        let facts = queries::early_facts::take(&tx, world.tenant, world.inbox.id, "m9").await.expect("takes");
        let order: Vec<_> = facts.iter().map(|fact| fact["receipt"].clone()).collect();
        assert_eq!(order, [1, 2, 3]);
        let again = queries::early_facts::take(&tx, world.tenant, world.inbox.id, "m9").await;
        assert!(again.expect("takes").is_empty());
    }

    async fn counters_equal_a_recount_after_many_changes(db) {
        let world = world(&db.store).await;
        let queues = [world.queue.id, QueueId::new(db.store.now())];
        let agents = [None, Some(UserId::new(db.store.now())), Some(UserId::new(db.store.now()))];
        let writers: Vec<_> = (0..4u64).map(|writer| {
            let store = db.store.clone();
            let world = World { queue: world.queue.clone(), inbox: world.inbox.clone(), identity: world.identity.clone(), ..world };
            tokio::spawn(async move {
                let mut state = writer + 1;
                let mut next = |n: usize| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) as usize % n
                };
                let mut mine: Option<Ticket> = None;
                for step in 0..25 {
                    let mut tx = store.begin(world.tenant, "test.change").await.expect("begins");
                    let before = if step % 5 == 0 { None } else { mine.clone() };
                    let mut after = match &before {
                        Some(ticket) => ticket.clone(),
                        None => new_ticket(&tx, &world).await,
                    };
                    after.queue_id = queues[next(2)];
                    after.assignee_id = agents[next(3)];
                    after.status = TicketStatus::ALL[next(4)];
                    let after = queries::tickets::update(&tx, after).await.expect("updates");
                    for delta in CountDelta::of_change(before.as_ref(), Some(&after)) {
                        tx.count(delta);
                    }
                    // Some transactions are given up: their deltas must vanish with them.
                    if next(4) == 0 {
                        drop(tx);
                    } else {
                        tx.commit(()).await.expect("commits");
                        mine = Some(after);
                        continue;
                    }
                    if before.is_none() { mine = None; }
                }
            })
        }).collect();
        for writer in writers {
            writer.await.expect("the writer lives");
        }
        let read = db.store.read();
        let mut recount = BTreeMap::new();
        let total = count(&db.store, "SELECT COUNT(*) FROM tickets").await;
        for number in 1..=total {
            let ticket = queries::tickets::by_number(&read, world.tenant, number).await.expect("reads");
            let ticket = ticket.expect("numbers have no gaps, because a rollback gives them back");
            *recount.entry((ticket.queue_id, ticket.assignee_id, ticket.status)).or_insert(0) += 1;
        }
        let counted: BTreeMap<_, _> = counters::counts(&read, world.tenant)
            .await
            .expect("reads")
            .into_iter()
            .map(|cell| ((cell.queue, cell.assignee, cell.status), cell.n))
            .collect();
        assert_eq!(counted, recount);
    }

    async fn an_event_is_read_as_it_was_emitted_and_the_cursor_knows_its_limits(db) {
        let world = world(&db.store).await;
        let scope = vec![ScopeKey::Tenant, ScopeKey::Queue(world.queue.id)];
        for _ in 0..3 {
            let mut tx = db.store.begin(world.tenant, "test.emit").await.expect("begins");
            let image = Image::Queue(Box::new(world.queue.clone()));
            tx.emit(NewEvent { scope: scope.clone(), image });
            tx.commit(()).await.expect("commits");
            db.clock.advance(chrono::Duration::minutes(1));
        }
        let read = db.store.read();
        let all = events::after(&read, world.tenant, 1, 10).await.expect("reads");
        assert_eq!(all.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((&all[0].scope, &all[0].image), (&scope, &Image::Queue(Box::new(world.queue.clone()))));
        let head = events::head(&read, world.tenant).await.expect("reads");
        assert_eq!(head.seq, 3);
        let tx = db.store.begin_global("test.prune").await.expect("begins");
        let before = tx.now() - chrono::Duration::seconds(90);
        assert_eq!(events::prune(&tx, before, 200).await.expect("prunes"), 2);
        tx.commit(()).await.expect("commits");
        let resumes = async |epoch, seq| {
            events::can_resume(&read, world.tenant, Cursor { epoch, seq }).await.expect("reads")
        };
        assert!(!resumes(head.epoch, 1).await, "event 2 is gone");
        assert!(resumes(head.epoch, 2).await);
        assert!(resumes(head.epoch, 3).await);
        assert!(!resumes(head.epoch, 4).await, "ahead of the log");
        assert!(!resumes(head.epoch + 1, 3).await, "another history");
    }
}
