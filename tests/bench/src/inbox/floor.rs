//! The floor of the inbox page: axum, the same SQL by sqlx, serde_json.

mod rows;
mod sql;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use rows::{Counts, Edge, Node, Page, Person, Queue, QueueCount, Tickets};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, Sqlite, SqliteConnection, SqlitePool};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use uuid::Uuid;

/// As many readers as Meari opens.
const READERS: u32 = 8;

struct Floor {
    pool: SqlitePool,
    tenant: Uuid,
    owner: Uuid,
}

/// `ADDRESS` `DATABASE`
pub async fn serve(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let [address, path] = arguments else {
        anyhow::bail!("an address and a database are needed");
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .pragma("query_only", "ON")
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options)
        .await?;
    let one = "SELECT tenant_id, user_id FROM memberships WHERE role = 'owner'";
    let member = sqlx::query(one).fetch_one(&pool).await?;
    let floor = Floor {
        tenant: member.try_get(0)?,
        owner: member.try_get(1)?,
        pool,
    };
    let router = Router::new()
        .route("/", post(inbox))
        .with_state(Arc::new(floor));
    let listener = TcpListener::bind(address.parse::<SocketAddr>()?).await?;
    axum::serve(listener, router).await?;
    Ok(ExitCode::SUCCESS)
}

async fn inbox(State(floor): State<Arc<Floor>>) -> Result<Json<Page>, String> {
    let page = page(&floor).await;
    page.map(Json).map_err(|error| error.to_string())
}

/// Runs `sql` with the leading `values` and then `ids`.
async fn all(
    connection: &mut SqliteConnection,
    sql: String,
    values: &[Uuid],
    ids: &[Uuid],
) -> anyhow::Result<Vec<SqliteRow>> {
    let mut query = sqlx::query::<Sqlite>(AssertSqlSafe(sql));
    for id in values.iter().chain(ids) {
        query = query.bind(*id);
    }
    Ok(query.fetch_all(connection).await?)
}

async fn page(floor: &Floor) -> anyhow::Result<Page> {
    let mut connection = floor.pool.acquire().await?;
    let (tenant, owner) = (&[floor.tenant], floor.owner);
    let queues = all(&mut connection, sql::QUEUES.to_owned(), tenant, &[]).await?;
    let queues: HashMap<Uuid, Queue> = by_id(&queues, rows::queue)?;
    let places = all(&mut connection, sql::places(), tenant, &[]).await?;
    let ids: Vec<Uuid> = places
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let tickets = all(&mut connection, sql::tickets(ids.len()), tenant, &ids).await?;
    let mut tickets: HashMap<Uuid, Node> = by_id(&tickets, rows::ticket)?;
    let ids = &ids[..ids.len().min(super::PAGE)];

    let shown = || ids.iter().filter_map(|id| tickets.get(id));
    let contacts = distinct(shown().map(|ticket| ticket.contact_id));
    let found = all(
        &mut connection,
        sql::contacts(contacts.len()),
        tenant,
        &contacts,
    )
    .await?;
    let contacts: HashMap<Uuid, Person> = by_id(&found, rows::contact)?;
    let users = distinct(shown().filter_map(|ticket| ticket.assignee_id));
    let found = all(&mut connection, sql::users(users.len()), &[], &users).await?;
    let users: HashMap<Uuid, Person> = by_id(&found, rows::user)?;
    let reader = [floor.tenant, owner];
    let cursors = all(&mut connection, sql::cursors(ids.len()), &reader, ids).await?;
    let read = numbers(&cursors)?;
    let unread = all(&mut connection, sql::unread(ids.len()), &reader, ids).await?;
    let unread = numbers(&unread)?;
    let cells = all(&mut connection, sql::COUNTS.to_owned(), tenant, &[]).await?;
    let counts = counts(&cells, owner, &queues)?;

    let mut edges = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(mut node) = tickets.remove(id) else {
            continue;
        };
        node.read_position = read.get(id).copied().unwrap_or(0);
        node.unread = unread.get(id).copied().unwrap_or(0);
        node.contact = contacts.get(&node.contact_id).cloned();
        node.queue = queues.get(&node.queue_id).cloned();
        node.assignee = node.assignee_id.and_then(|id| users.get(&id).cloned());
        edges.push(Edge { node });
    }
    let tickets = Tickets {
        total: counts.all,
        total_is_capped: false,
        edges,
    };
    Ok(Page {
        tickets,
        ticket_counts: counts,
    })
}

fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    ids.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Each row by the id in its first column.
fn by_id<T>(
    rows: &[SqliteRow],
    read: impl Fn(&SqliteRow) -> sqlx::Result<T>,
) -> anyhow::Result<HashMap<Uuid, T>> {
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, read(row)?)))
        .collect()
}

fn numbers(rows: &[SqliteRow]) -> anyhow::Result<HashMap<Uuid, i64>> {
    by_id(rows, |row| row.try_get(1))
}

fn counts(
    cells: &[SqliteRow],
    owner: Uuid,
    queues: &HashMap<Uuid, Queue>,
) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let mut open: HashMap<Uuid, i64> = queues.keys().map(|id| (*id, 0)).collect();
    for cell in cells {
        let (queue, assignee): (Uuid, Uuid) = (cell.try_get(1)?, cell.try_get(2)?);
        let (status, n): (&str, i64) = (cell.try_get(3)?, cell.try_get(4)?);
        counts.all += if status == "closed" { 0 } else { n };
        match status {
            "open" => {
                counts.open += n;
                counts.mine += if assignee == owner { n } else { 0 };
                counts.unassigned += if assignee.is_nil() { n } else { 0 };
                *open.entry(queue).or_default() += n;
            }
            "pending" => counts.pending += n,
            "snoozed" => counts.snoozed += n,
            _ => counts.closed += n,
        }
    }
    counts.queues = open
        .into_iter()
        .map(|(queue_id, open)| QueueCount { queue_id, open })
        .collect();
    Ok(counts)
}
