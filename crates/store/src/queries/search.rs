//! The search indexes. The only file with SQL that differs between the databases.
//!
//! Invariants: tokens come from `app::search`; every document carries a token of its tenant and
//! every query asks for it, so that another tenant's words cost nothing and find nothing. On
//! SQLite a document that is written again gets a higher row: matches come newest first.

use crate::db::Sealed as _;
use crate::queries::row::belongs;
use crate::run::Row;
use crate::tables::tickets;
use crate::{Db, StoreError, Tx};
use domain::{ContactId, TenantId, TicketId};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{DbBackend, Statement};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Tokens one document may hold; what lies beyond cannot be found.
pub const TOKENS_MAX: usize = 20_000;

/// What a document must hold: every token, the last one perhaps only as a beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub tokens: Vec<String>,
    /// The last token is still being typed.
    pub last_is_prefix: bool,
}

#[derive(Debug, Clone, Copy)]
enum Index {
    Tickets,
    Contacts,
}

impl Index {
    const fn table(self) -> &'static str {
        match self {
            Self::Tickets => "ticket_search",
            Self::Contacts => "contact_search",
        }
    }

    const fn docs(self) -> &'static str {
        match self {
            Self::Tickets => "ticket_search_docs",
            Self::Contacts => "contact_search_docs",
        }
    }
}

pub async fn put_ticket(
    tx: &Tx,
    tenant: TenantId,
    id: TicketId,
    tokens: &BTreeSet<String>,
) -> Result<(), StoreError> {
    put(tx, Index::Tickets, tenant, id.uuid(), tokens).await
}

pub async fn put_contact(
    tx: &Tx,
    tenant: TenantId,
    id: ContactId,
    tokens: &BTreeSet<String>,
) -> Result<(), StoreError> {
    put(tx, Index::Contacts, tenant, id.uuid(), tokens).await
}

async fn put(
    tx: &Tx,
    index: Index,
    tenant: TenantId,
    id: Uuid,
    tokens: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut tokens: Vec<String> = tokens.iter().take(TOKENS_MAX).cloned().collect();
    tokens.push(tenant_token(tenant));
    match tx.conn().backend() {
        DbBackend::Postgres => put_postgres(tx, index, id, tokens).await,
        _ => put_sqlite(tx, index, id, &tokens.join(" ")).await,
    }
}

async fn put_postgres(
    tx: &Tx,
    index: Index,
    id: Uuid,
    tokens: Vec<String>,
) -> Result<(), StoreError> {
    // Lexemes as they are: the parser of `to_tsvector` would cut tokens by its own rules.
    let sql = format!(
        "INSERT INTO {} (id, document) VALUES ($1, array_to_tsvector($2)) \
         ON CONFLICT (id) DO UPDATE SET document = excluded.document",
        index.table()
    );
    run(tx, &sql, vec![id.into(), tokens.into()]).await
}

async fn put_sqlite(tx: &Tx, index: Index, id: Uuid, tokens: &str) -> Result<(), StoreError> {
    let (table, docs) = (index.table(), index.docs());
    let sql = format!("DELETE FROM {docs} WHERE id = $1 RETURNING doc");
    if let Some(old) = doc(tx, &sql, id).await? {
        run(
            tx,
            &format!("DELETE FROM {table} WHERE rowid = $1"),
            vec![old.into()],
        )
        .await?;
    }
    let sql = format!("INSERT INTO {docs} (id) VALUES ($1) RETURNING doc");
    let new = doc(tx, &sql, id)
        .await?
        .ok_or(StoreError::not_found("document"))?;
    let sql = format!("INSERT INTO {table} (rowid, tokens) VALUES ($1, $2)");
    run(tx, &sql, vec![new.into(), tokens.into()]).await
}

async fn doc(tx: &Tx, sql: &str, id: Uuid) -> Result<Option<i64>, StoreError> {
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [id.into()]);
    let rows = tx.conn().query(statement).await?;
    rows.first().map(Row::first).transpose()
}

async fn run(tx: &Tx, sql: &str, values: Vec<sea_orm::Value>) -> Result<(), StoreError> {
    let backend = tx.conn().backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    tx.conn().execute(statement).await?;
    Ok(())
}

fn tenant_token(tenant: TenantId) -> String {
    format!("tnt{}", tenant.uuid().simple())
}

/// Ids of the tenant's tickets that match, newest activity first. The caller adds conditions on
/// `tickets` and a limit.
pub(crate) fn tickets_matching(
    backend: DbBackend,
    tenant: TenantId,
    words: &Match,
) -> SelectStatement {
    let id = Expr::col((tickets::Entity, tickets::Column::Id));
    let (mut select, order) = matching(backend, Index::Tickets, tenant, words);
    select
        .inner_join(
            tickets::Entity,
            id.clone()
                .eq(Expr::col((Alias::new("found"), Alias::new("id")))),
        )
        .expr(id)
        .and_where(belongs(tickets::Column::TenantId, tenant));
    match order {
        Some(doc) => select.order_by_expr(doc, Order::Desc),
        None => select.order_by(
            (tickets::Entity, tickets::Column::LastMessageAt),
            Order::Desc,
        ),
    };
    select
}

/// Ids of the tenant's contacts that match, newest first.
pub(crate) fn contacts_matching(
    backend: DbBackend,
    tenant: TenantId,
    words: &Match,
) -> SelectStatement {
    let (mut select, _) = matching(backend, Index::Contacts, tenant, words);
    select.column((Alias::new("found"), Alias::new("id")));
    select
}

/// `SELECT … FROM` the index `WHERE` it matches; on SQLite also what orders it by recency.
fn matching(
    backend: DbBackend,
    index: Index,
    tenant: TenantId,
    words: &Match,
) -> (SelectStatement, Option<Expr>) {
    let found = Alias::new("found");
    let mut select = Query::select();
    if backend == DbBackend::Postgres {
        select
            .from_as(Alias::new(index.table()), found)
            .and_where(Expr::cust_with_values(
                "found.document @@ CAST($1 AS tsquery)",
                [postgres_query(tenant, words)],
            ));
        return (select, None);
    }
    let table = Alias::new(index.table());
    let rowid = Expr::col((table.clone(), Alias::new("rowid")));
    select
        .from(table)
        .join_as(
            sea_orm::sea_query::JoinType::InnerJoin,
            Alias::new(index.docs()),
            found.clone(),
            Expr::col((found, Alias::new("doc"))).eq(rowid.clone()),
        )
        .and_where(Expr::cust_with_values(
            format!("{} MATCH ?", index.table()),
            [sqlite_query(tenant, words)],
        ));
    (select, Some(rowid))
}

/// Tokens are letters and digits, but quoting costs nothing and trusts nobody.
fn sqlite_query(tenant: TenantId, words: &Match) -> String {
    let mut query = format!("\"{}\"", tenant_token(tenant));
    for (token, prefix) in words.each() {
        query.push_str(&format!(
            " AND \"{}\"{}",
            token.replace('"', "\"\""),
            if prefix { "*" } else { "" }
        ));
    }
    query
}

fn postgres_query(tenant: TenantId, words: &Match) -> String {
    let mut query = format!("'{}'", tenant_token(tenant));
    for (token, prefix) in words.each() {
        let token = token.replace('\\', "\\\\").replace('\'', "''");
        query.push_str(&format!(" & '{token}'{}", if prefix { ":*" } else { "" }));
    }
    query
}

impl Match {
    fn each(&self) -> impl Iterator<Item = (&str, bool)> {
        let last = self.tokens.len().saturating_sub(1);
        let tokens = self.tokens.iter().enumerate();
        tokens.map(move |(i, token)| (token.as_str(), self.last_is_prefix && i == last))
    }
}

/// Documents in the index, for tests and the doctor.
pub async fn documents(db: &impl Db) -> Result<i64, StoreError> {
    let backend = db.conn().backend();
    let table = if backend == DbBackend::Postgres {
        "ticket_search"
    } else {
        "ticket_search_docs"
    };
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let rows = db
        .conn()
        .query(Statement::from_string(backend, sql))
        .await?;
    rows.first().ok_or(StoreError::not_found("count"))?.first()
}
