//! Lists stay on their indexes: the plan, not the clock, is what a small test can promise.

use crate::db::Sealed;
use crate::queries::scope::Scope;
use crate::queries::ticket_lists::{
    Assigned, Place, TicketFilter, TicketSort, Viewer, Window, statement,
};
use crate::testing::TestDb;
use domain::ticket::TicketStatus;
use domain::{ContactId, QueueId, TenantId, TicketId, UserId};
use sea_orm::{DbBackend, StatementBuilder};

/// Steps of SQLite's plan for the first rank of a list, below the first row of its second page.
async fn plan(
    db: &TestDb,
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
) -> Vec<String> {
    let now = db.store.read();
    let after = Place {
        rank: match sort {
            TicketSort::WaitingLongest => 1,
            TicketSort::Priority => 3,
            TicketSort::Newest | TicketSort::Oldest => 0,
        },
        at: domain::Clock::now(&db.clock),
        id: TicketId::new(domain::Clock::now(&db.clock)),
    };
    let window = Window {
        after: Some(after),
        offset: 0,
        limit: 50,
    };
    let query = statement(DbBackend::Sqlite, viewer, filter, sort, after.rank, window);
    let mut explain = StatementBuilder::build(&query, &DbBackend::Sqlite);
    explain.sql = format!("EXPLAIN QUERY PLAN {}", explain.sql);
    let rows = now.conn().query(explain).await.expect("a plan");
    rows.iter()
        .map(|row| row.get("detail").expect("a step"))
        .collect()
}

#[tokio::test]
async fn no_named_view_walks_the_table_or_sorts_more_than_a_page() {
    let db = TestDb::sqlite().await;
    let now = domain::Clock::now(&db.clock);
    let user = UserId::new(now);
    let queues: Vec<QueueId> = (0..3).map(|_| QueueId::new(now)).collect();
    let agent = Scope::Agent {
        user,
        queues: queues[..2].to_vec(),
    };
    let open = || TicketFilter {
        statuses: vec![TicketStatus::Open],
        ..TicketFilter::default()
    };
    let filters = [
        TicketFilter::default(),
        open(),
        TicketFilter {
            statuses: vec![TicketStatus::Closed],
            ..TicketFilter::default()
        },
        TicketFilter {
            queue: Some(queues[0]),
            ..open()
        },
        TicketFilter {
            assigned: Assigned::Nobody,
            ..open()
        },
        TicketFilter {
            assigned: Assigned::To(user),
            ..open()
        },
        TicketFilter {
            contact: Some(ContactId::new(now)),
            ..TicketFilter::default()
        },
        TicketFilter {
            channel: Some("sms".into()),
            ..open()
        },
    ];
    for scope in [&Scope::Tenant, &agent] {
        let viewer = Viewer {
            tenant: TenantId::new(now),
            scope,
            queues: &queues,
        };
        for filter in &filters {
            for sort in [
                TicketSort::Newest,
                TicketSort::Oldest,
                TicketSort::WaitingLongest,
                TicketSort::Priority,
            ] {
                let plan = plan(&db, viewer, filter, sort).await;
                let text = plan.join("\n");
                let told = format!("{scope:?} {filter:?} {sort:?}\n{text}");
                assert!(
                    !plan.iter().any(|s| s.starts_with("SCAN tickets")),
                    "{told}"
                );
                assert!(!text.contains("MULTI-INDEX OR"), "{told}");
                // A range by the tenant alone is a walk unless it is in the list's order.
                let walks = plan.iter().filter(|s| s.ends_with("(tenant_id=?)")).count();
                assert_eq!(walks, 0, "{told}");
                if let Some(index) = index(filter, scope, sort) {
                    assert!(text.contains(index), "{told}");
                }
                // The merge sorts what the streams cut to a page; so does the list of mentions.
                let few = plan.iter().filter(|s| s.contains("LIST SUBQUERY")).count();
                let sorts = plan
                    .iter()
                    .filter(|s| s.contains("USE TEMP B-TREE FOR ORDER BY"))
                    .count();
                let by_person = matches!(filter.assigned, Assigned::To(_))
                    && sort != TicketSort::Newest
                    && sort != TicketSort::Oldest;
                let by_contact = filter.contact.is_some();
                assert!(sorts <= 1 + few || by_person || by_contact, "{told}");
            }
        }
    }
    db.close().await;
}

/// The index that makes the list cheap, where there is one for its order.
fn index(filter: &TicketFilter, scope: &Scope, sort: TicketSort) -> Option<&'static str> {
    let by_time = matches!(sort, TicketSort::Newest | TicketSort::Oldest);
    let is_agent = matches!(scope, Scope::Agent { .. });
    Some(match (sort, &filter.assigned) {
        _ if filter.contact.is_some() && by_time => {
            "idx_tickets_tenant_id_contact_id_last_message_at_id"
        }
        _ if filter.contact.is_some() => return None,
        (TicketSort::WaitingLongest, _) => "idx_tickets_tenant_id_waiting_since_id",
        (_, Assigned::To(_)) if by_time => "idx_tickets_tenant_id_assignee_id_status",
        (_, Assigned::Nobody) if by_time => "idx_tickets_queue_id_status_last_message_at_id",
        (_, Assigned::Anyone) if by_time && (is_agent || filter.queue.is_some()) => {
            "idx_tickets_tenant_id_queue_id_status_last_message_at_id"
        }
        (TicketSort::Priority, Assigned::Anyone) => "idx_tickets_tenant_id_status_priority",
        _ => return None,
    })
}
