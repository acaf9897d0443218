//! A list by tag costs what it shows, however many tickets there are and wherever the tagged lie.

use super::{World, count, new_ticket, run, world};
use crate::db::Sealed;
use crate::queries::scope::Scope;
use crate::queries::ticket_lists::{
    Assigned, Place, TicketFilter, TicketSort, Viewer, Window, page, statement,
};
use crate::queries::tickets;
use crate::testing::TestDb;
use crate::{Store, for_each_backend};
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::{QueueId, UserId};
use sea_orm::{DbBackend, Statement, StatementBuilder};

const TICKETS: i64 = 1_200;
const RARE: i64 = 12;
const PAGE: u64 = 4;
const SORTS: [TicketSort; 4] = [
    TicketSort::Newest,
    TicketSort::Oldest,
    TicketSort::WaitingLongest,
    TicketSort::Priority,
];

/// Rows of `ticket_tags` that say something else than their ticket, or that are missing or too many.
async fn strays(store: &Store) -> i64 {
    let words = if store.is_sqlite() {
        "json_each(t.tags)"
    } else {
        "jsonb_array_elements_text(t.tags) AS words(value)"
    };
    let held = "tenant_id, status, priority, contact_id, queue_id, assignee_id, channel, \
                last_message_at, waiting_since";
    let should = format!("SELECT DISTINCT t.id, value AS tag, {held} FROM tickets AS t, {words}");
    let is = format!("SELECT id, tag, {held} FROM ticket_tags");
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM ({should} EXCEPT {is}) AS a) + \
         (SELECT COUNT(*) FROM ({is} EXCEPT {should}) AS b)"
    );
    count(store, &sql).await
}

const TAGGED: &str = "SELECT COUNT(*) FROM ticket_tags";

for_each_backend! {
    async fn the_tags_of_a_ticket_can_be_looked_up_from_its_commit_on(db) {
        let world = world(&db.store).await;
        let tx = db.store.begin(world.tenant, "test.tags").await.expect("begins");
        let mut ticket = new_ticket(&tx, &world).await;
        let plain = new_ticket(&tx, &world).await;
        tx.commit(()).await.expect("commits");
        assert_eq!((count(&db.store, TAGGED).await, strays(&db.store).await), (2, 0));
        for tags in [vec!["late", "vip"], vec!["vip", "vip"], vec![], vec!["vip"]] {
            let tx = db.store.begin(world.tenant, "test.tags").await.expect("begins");
            ticket.tags = tags.into_iter().map(str::to_owned).collect();
            ticket.status = TicketStatus::Pending;
            ticket.waiting_since = None;
            ticket.assignee_id = Some(UserId::new(tx.now()));
            ticket = tickets::update(&tx, ticket).await.expect("updates");
            tx.commit(()).await.expect("commits");
            assert_eq!(strays(&db.store).await, 0, "{:?}", ticket.tags);
        }
        let tx = db.store.begin(world.tenant, "test.dropped").await.expect("begins");
        ticket.tags.push("never".into());
        tickets::update(&tx, ticket.clone()).await.expect("updates");
        drop(tx);
        let tx = db.store.begin(world.tenant, "test.delete").await.expect("begins");
        let sql = "DELETE FROM tickets WHERE id = $1";
        run(&tx, sql, vec![plain.id.uuid().into()]).await.expect("deletes");
        tx.commit(()).await.expect("commits");
        assert_eq!((count(&db.store, TAGGED).await, strays(&db.store).await), (1, 0));
    }

    async fn a_list_by_a_rare_tag_reads_only_what_has_it(db) {
        let world = world(&db.store).await;
        let user = UserId::new(db.store.now());
        many(&db.store, &world, user).await;
        let queues = [world.queue.id];
        for scope in [Scope::Tenant, Scope::Agent { user, queues: queues.to_vec() }] {
            let viewer = Viewer { tenant: world.tenant, scope: &scope, queues: &queues };
            for filter in filters(world.queue.id, user) {
                for sort in SORTS {
                    let told = format!("{scope:?} {filter:?} {sort:?}");
                    let first = Window { after: None, offset: 0, limit: PAGE };
                    let rows = page(&db.store.read(), viewer, &filter, sort, first).await.expect("a page");
                    let last = rows.last().map(|(place, _)| *place);
                    for after in [None, last] {
                        cheap(db, viewer, &filter, sort, after, &told).await;
                    }
                }
            }
        }
    }
}

/// The tagged ones are the oldest, where a walk in the order of most lists would come last.
async fn many(store: &Store, world: &World, user: UserId) {
    let tx = store
        .begin(world.tenant, "test.many")
        .await
        .expect("begins");
    let template = new_ticket(&tx, world).await;
    for n in 0..TICKETS {
        let at = template.last_message_at - chrono::Duration::seconds(n);
        let ticket = Ticket {
            id: domain::TicketId::new(at),
            number: template.number + 1 + n,
            status: TicketStatus::ALL[n as usize % 4],
            priority: Priority::ALL[(n as usize / 4) % 4],
            tags: match n {
                _ if n >= TICKETS - RARE => vec!["rare".into(), "common".into()],
                _ => vec!["common".into()],
            },
            assignee_id: (n % 3 == 0).then_some(user),
            waiting_since: (n % 2 == 0).then_some(at),
            last_message_at: at,
            ..template.clone()
        };
        tickets::insert(&tx, &ticket).await.expect("a ticket");
    }
    if !store.is_sqlite() {
        let tables = "ANALYZE tickets, ticket_tags";
        run(&tx, tables, vec![]).await.expect("statistics");
    }
    tx.commit(()).await.expect("commits");
}

fn filters(queue: QueueId, user: UserId) -> Vec<TicketFilter> {
    let rare = || TicketFilter {
        tag: Some("rare".into()),
        ..TicketFilter::default()
    };
    let open = || TicketFilter {
        statuses: vec![TicketStatus::Open],
        ..rare()
    };
    let in_queue = |filter| TicketFilter {
        queue: Some(queue),
        ..filter
    };
    let assigned = |assigned, filter| TicketFilter { assigned, ..filter };
    vec![
        rare(),
        open(),
        in_queue(rare()),
        in_queue(open()),
        assigned(Assigned::To(user), rare()),
        assigned(Assigned::To(user), open()),
        assigned(Assigned::Nobody, rare()),
        assigned(Assigned::Nobody, in_queue(open())),
        TicketFilter {
            waiting: Some(true),
            ..rare()
        },
    ]
}

async fn cheap(
    db: &TestDb,
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
    after: Option<Place>,
    told: &str,
) {
    let ranks: &[i64] = match sort {
        TicketSort::Newest | TicketSort::Oldest => &[0],
        TicketSort::WaitingLongest => &[1, 0],
        TicketSort::Priority => &[3, 2, 1, 0],
    };
    let backend = db.store.read().conn().backend();
    for rank in ranks {
        let window = Window {
            after: after.filter(|after| after.rank == *rank),
            offset: 0,
            limit: PAGE,
        };
        let query = statement(backend, viewer, filter, sort, *rank, window);
        let query = StatementBuilder::build(&query, &backend);
        if backend == DbBackend::Sqlite {
            seeks(db, query, told).await;
        } else {
            let touched = touched(db, query).await;
            assert!(touched <= RARE * 8, "{touched} rows: {told} rank {rank}");
        }
    }
}

/// SQLite tells its plan only: each way to a ticket must be a range of one tag, or a ticket by its id.
async fn seeks(db: &TestDb, mut query: Statement, told: &str) {
    query.sql = format!("EXPLAIN QUERY PLAN {}", query.sql);
    let rows = db.store.read().conn().query(query).await;
    let steps: Vec<String> = rows
        .expect("a plan")
        .iter()
        .map(|row| row.get("detail").expect("a step"))
        .collect();
    let text = steps.join("\n");
    let reads = |step: &&String| step.contains(" tickets");
    assert!(steps.iter().any(|step| reads(&step)), "{told}\n{text}");
    for step in steps.iter().filter(reads) {
        let within = step.starts_with("SEARCH tickets USING")
            && (step.contains("(tenant_id=? AND tag=?") || step.contains("(id=?"));
        assert!(within, "{told}\n{text}");
    }
}

/// Rows that Postgres took into its hands, those it dropped again included.
async fn touched(db: &TestDb, mut query: Statement) -> i64 {
    query.sql = format!("EXPLAIN (ANALYZE, FORMAT JSON) {}", query.sql);
    let row = db.store.read().conn().query(query).await;
    let plan: serde_json::Value = row.expect("a plan")[0].first().expect("JSON");
    rows_of(&plan[0]["Plan"])
}

fn rows_of(node: &serde_json::Value) -> i64 {
    let number = |key: &str| node[key].as_f64().unwrap_or(0.0);
    let below = node["Plans"].as_array().into_iter().flatten().map(rows_of);
    let each = number("Actual Rows")
        + number("Rows Removed by Filter")
        + number("Rows Removed by Index Recheck");
    let own = match node["Node Type"].as_str() {
        Some(kind) if kind.contains("Scan") && kind != "Subquery Scan" => {
            (each * number("Actual Loops")) as i64
        }
        _ => 0,
    };
    own + below.sum::<i64>()
}
