//! Lists show exactly the viewer's cases, in order, without a skip or a repeat.

use crate::world::World;
use app::reader::TicketPage;
use app::tickets::{Assigned, TicketFilter, TicketSort};
use app::{Error, tickets};
use domain::TicketId;
use domain::permission::Actor;
use domain::ticket::{Priority, Ticket, TicketStatus};
use std::collections::BTreeSet;
use store::for_each_backend;
use store::queries::tickets as stored;

/// Cases of every status, priority, queue and assignee.
async fn many(world: &World<'_>) -> Vec<Ticket> {
    let (contact, _) = world.contact("ada").await;
    let mut all = Vec::new();
    for n in 0..48_usize {
        let ticket = world.ticket(contact.id, |ticket| {
            ticket.status = TicketStatus::ALL[n % 4];
            ticket.priority = Priority::ALL[(n / 4) % 4];
            ticket.queue_id = if n % 3 == 0 { world.far } else { world.near };
            ticket.assignee_id = match n % 5 {
                0 => Some(world.anna.user_id),
                1 => Some(world.ben.user_id),
                _ => None,
            };
            ticket.waiting_since = (n % 2 == 0).then_some(ticket.last_message_at);
            if n % 6 == 0 {
                ticket.tags = vec!["vip".into(), "50%_off".into()];
            }
        });
        all.push(ticket.await);
    }
    all
}

fn sees(world: &World<'_>, actor: &Actor, ticket: &Ticket) -> bool {
    let hers = if actor.user_id == world.anna.user_id {
        world.near
    } else {
        world.far
    };
    actor.sees_whole_tenant()
        || ticket.queue_id == hers
        || ticket.assignee_id == Some(actor.user_id)
}

for_each_backend! {
    async fn everybody_sees_exactly_her_scope_in_lists_numbers_and_by_id(db) {
        let world = World::new(db).await;
        let all = many(&world).await;
        let mentioned = all.iter().find(|t| !sees(&world, &world.anna, t)).unwrap().clone();
        let tx = world.app.begin(world.tenant, "test.mention").await.unwrap();
        stored::mention(&tx, world.tenant, mentioned.id, &[world.anna.user_id]).await.unwrap();
        world.app.commit(tx, ()).await.unwrap();
        for actor in [&world.boss, &world.anna, &world.ben] {
            let named = actor.user_id == world.anna.user_id;
            let expected: BTreeSet<TicketId> = all
                .iter()
                .filter(|t| sees(&world, actor, t) || (named && t.id == mentioned.id))
                .map(|t| t.id)
                .collect();
            let reader = world.reader(actor);
            for sort in [TicketSort::Newest, TicketSort::Oldest, TicketSort::WaitingLongest, TicketSort::Priority] {
                let listed = world.list(actor, TicketFilter::default(), sort, 7).await;
                assert_eq!(listed.len(), expected.len(), "{sort:?} repeats or misses");
                assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected, "{sort:?}");
            }
            for ticket in &all {
                assert_eq!(reader.ticket(ticket.id).await.is_ok(), expected.contains(&ticket.id));
                assert_eq!(reader.ticket_by_number(ticket.number).await.is_ok(), expected.contains(&ticket.id));
            }
            let counts = reader.ticket_counts().await.unwrap();
            let n = |wanted: fn(&Ticket) -> bool| {
                all.iter().filter(|t| expected.contains(&t.id) && wanted(t)).count() as i64
            };
            assert_eq!(counts.open, n(|t| t.status == TicketStatus::Open));
            assert_eq!(counts.closed, n(|t| t.status == TicketStatus::Closed));
            assert_eq!(counts.all, n(|t| t.status != TicketStatus::Closed));
            assert_eq!(counts.unassigned, n(|t| t.status == TicketStatus::Open && t.assignee_id.is_none()));
            let total = reader.tickets_total(TicketFilter::default(), None).await.unwrap();
            assert_eq!((total.n, total.is_capped), (expected.len() as i64, false));
        }
    }

    async fn every_filter_lists_and_counts_what_it_says(db) {
        let world = World::new(db).await;
        let all = many(&world).await;
        type Case = (TicketFilter, fn(&World<'_>, &Ticket) -> bool);
        let none = TicketFilter::default;
        let vip = || TicketFilter { tag: Some("vip".into()), ..none() };
        fn is_vip(ticket: &Ticket) -> bool {
            ticket.tags.contains(&"vip".to_owned())
        }
        let cases: Vec<Case> = vec![
            (TicketFilter { statuses: vec![TicketStatus::Open, TicketStatus::Pending], ..none() },
             |_, t| matches!(t.status, TicketStatus::Open | TicketStatus::Pending)),
            (TicketFilter { queue: Some(world.far), ..none() }, |w, t| t.queue_id == w.far),
            (TicketFilter { assigned: Assigned::Nobody, ..none() }, |_, t| t.assignee_id.is_none()),
            (TicketFilter { assigned: Assigned::Nobody, queue: Some(world.near), ..none() },
             |w, t| t.assignee_id.is_none() && t.queue_id == w.near),
            (TicketFilter { assigned: Assigned::To(world.ben.user_id), ..none() },
             |w, t| t.assignee_id == Some(w.ben.user_id)),
            (TicketFilter { priority: Some(Priority::Urgent), ..none() }, |_, t| t.priority == Priority::Urgent),
            (TicketFilter { waiting: Some(true), ..none() }, |_, t| t.waiting_since.is_some()),
            (TicketFilter { waiting: Some(false), ..none() }, |_, t| t.waiting_since.is_none()),
            (TicketFilter { tag: Some("VIP".into()), ..none() }, |_, t| is_vip(t)),
            (TicketFilter { statuses: vec![TicketStatus::Open, TicketStatus::Snoozed], ..vip() },
             |_, t| is_vip(t) && matches!(t.status, TicketStatus::Open | TicketStatus::Snoozed)),
            (TicketFilter { queue: Some(world.far), ..vip() }, |w, t| is_vip(t) && t.queue_id == w.far),
            (TicketFilter { assigned: Assigned::Nobody, ..vip() }, |_, t| is_vip(t) && t.assignee_id.is_none()),
            (TicketFilter { assigned: Assigned::To(world.ben.user_id), ..vip() },
             |w, t| is_vip(t) && t.assignee_id == Some(w.ben.user_id)),
            (TicketFilter { priority: Some(Priority::Low), ..vip() },
             |_, t| is_vip(t) && t.priority == Priority::Low),
            (TicketFilter { waiting: Some(true), ..vip() }, |_, t| is_vip(t) && t.waiting_since.is_some()),
            (TicketFilter { contact: Some(all[0].contact_id), ..vip() }, |_, t| is_vip(t)),
            (TicketFilter { tag: Some("ip".into()), ..none() }, |_, _| false),
            (TicketFilter { channel: Some("sms".into()), ..none() }, |_, _| false),
            (TicketFilter { contact: Some(all[0].contact_id), ..none() }, |_, _| true),
        ];
        for actor in [&world.boss, &world.anna] {
            for (filter, fits) in &cases {
                let expected: BTreeSet<TicketId> = all
                    .iter()
                    .filter(|t| sees(&world, actor, t) && fits(&world, t))
                    .map(|t| t.id)
                    .collect();
                for sort in [TicketSort::Newest, TicketSort::Oldest, TicketSort::WaitingLongest, TicketSort::Priority] {
                    let listed = world.list(actor, filter.clone(), sort, 5).await;
                    assert_eq!(listed.len(), expected.len(), "{filter:?} {sort:?}");
                    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected, "{filter:?} {sort:?}");
                }
                let total = world.reader(actor).tickets_total(filter.clone(), None).await.unwrap();
                assert_eq!(total.n, expected.len() as i64, "{filter:?}");
            }
        }
    }

    async fn each_order_is_what_it_says(db) {
        let world = World::new(db).await;
        let mut all = many(&world).await;
        let order = |tickets: &[Ticket]| tickets.iter().map(|t| t.id).collect::<Vec<_>>();
        all.sort_by_key(|t| std::cmp::Reverse((t.last_message_at, t.id)));
        assert_eq!(world.list(&world.boss, TicketFilter::default(), TicketSort::Newest, 9).await, order(&all));
        let mut urgent = all.clone();
        urgent.sort_by_key(|t| std::cmp::Reverse((t.priority, t.last_message_at, t.id)));
        assert_eq!(world.list(&world.boss, TicketFilter::default(), TicketSort::Priority, 9).await, order(&urgent));
        let (mut waiting, rest): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|t| t.waiting_since.is_some());
        waiting.sort_by_key(|t| (t.waiting_since, t.id));
        let longest = order(&[waiting, rest].concat());
        assert_eq!(world.list(&world.boss, TicketFilter::default(), TicketSort::WaitingLongest, 9).await, longest);
        for offset in [0, 5, 23, 24, 30, 47, 60] {
            for (sort, expected) in [(TicketSort::Newest, order(&all)), (TicketSort::WaitingLongest, longest.clone()), (TicketSort::Priority, order(&urgent))] {
                let page = TicketPage { filter: TicketFilter::default(), sort, search: None, first: 4, after: None, offset: Some(offset) };
                let list = world.reader(&world.boss).tickets(page).await.unwrap();
                let got: Vec<_> = list.rows.iter().map(|(_, t)| t.id).collect();
                let skip = (offset as usize).min(expected.len());
                let want: Vec<_> = expected[skip..].iter().take(4).copied().collect();
                assert_eq!(got, want, "{sort:?} from {offset}");
            }
        }
    }

    async fn rows_that_stay_are_seen_once_while_others_move(db) {
        let world = World::new(db).await;
        let all = many(&world).await;
        let reader = world.reader(&world.boss);
        let page = |after| TicketPage { filter: TicketFilter::default(), sort: TicketSort::Newest, search: None, first: 6, after, offset: None };
        let mut seen = Vec::new();
        let mut after = None;
        for moving in &all {
            let list = reader.tickets(page(after.take())).await.unwrap();
            after = list.rows.last().map(|(cursor, _)| cursor.clone());
            seen.extend(list.rows.iter().map(|(_, t)| t.id));
            if !list.has_next_page {
                break;
            }
            world.says(moving.id, "again").await;
        }
        let moved: BTreeSet<_> = all.iter().take(8).map(|t| t.id).collect();
        for ticket in all.iter().filter(|t| !moved.contains(&t.id)) {
            assert_eq!(seen.iter().filter(|id| **id == ticket.id).count(), 1);
        }
    }

    async fn a_cursor_of_another_list_is_refused(db) {
        let world = World::new(db).await;
        many(&world).await;
        let reader = world.reader(&world.boss);
        let page = |sort, after| TicketPage { filter: TicketFilter::default(), sort, search: None, first: 2, after, offset: None };
        let list = reader.tickets(page(TicketSort::Newest, None)).await.unwrap();
        let good = list.rows[1].0.clone();
        for (sort, after) in [
            (TicketSort::Oldest, good.clone()),
            (TicketSort::Newest, String::new()),
            (TicketSort::Newest, good[1..].to_owned()),
            (TicketSort::Newest, "메아리".repeat(100)),
        ] {
            let refused = reader.tickets(page(sort, Some(after))).await;
            assert!(matches!(refused, Err(Error::Invalid { field: "after", .. })));
        }
        let deep = TicketPage { offset: Some(10_001), ..page(TicketSort::Newest, None) };
        assert!(reader.tickets(deep).await.is_err());
    }

    async fn unread_counts_what_others_said_since_she_read(db) {
        let world = World::new(db).await;
        let (contact, _) = world.contact("ada").await;
        let ticket = world.ticket(contact.id, |_| {}).await;
        for n in 0..5 {
            world.says(ticket.id, &format!("message {n}")).await;
        }
        let unread = async |actor: &Actor| {
            let readings = world.reader(actor).readings(&[ticket.id]).await.unwrap();
            readings.get(&ticket.id).copied().unwrap_or_default()
        };
        assert_eq!(unread(&world.anna).await.unread, 5);
        tickets::mark_read(&world.app, &world.anna, ticket.id, 3).await.unwrap();
        assert_eq!((unread(&world.anna).await.position, unread(&world.anna).await.unread), (3, 2));
        tickets::mark_read(&world.app, &world.anna, ticket.id, 99).await.unwrap();
        assert_eq!((unread(&world.anna).await.position, unread(&world.anna).await.unread), (5, 0));
        assert_eq!(unread(&world.boss).await.unread, 5);
        let window = world.reader(&world.anna).messages_of(&[ticket.id], Some(4), 2).await.unwrap();
        assert_eq!(window.iter().map(|m| m.position).collect::<Vec<_>>(), [3, 2]);
        let newest = world.reader(&world.anna).messages_of(&[ticket.id], None, 2).await.unwrap();
        assert_eq!(newest.iter().map(|m| m.position).collect::<Vec<_>>(), [5, 4]);
        assert!(world.reader(&world.ben).messages_of(&[ticket.id], None, 2).await.unwrap().is_empty());
    }
}
