//! Short words for the column types both databases share.

use sea_orm_migration::prelude::*;

/// Builds one table from `(name, type)` pairs; a trailing `?` in the name means nullable.
pub fn table(name: &'static str, columns: &[(&'static str, Kind)]) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name)).if_not_exists();
    for (column, kind) in columns {
        let nullable = column.ends_with('?');
        let mut def = ColumnDef::new(Alias::new(column.trim_end_matches('?')));
        match kind {
            Kind::Id => def.uuid(),
            Kind::Text => def.text(),
            Kind::Int => def.big_integer(),
            Kind::Bool => def.boolean(),
            Kind::Json => def.json_binary(),
            Kind::Time => def.timestamp_with_time_zone(),
            Kind::Blob => def.blob(),
        };
        if !nullable {
            def.not_null();
        }
        table.col(&mut def);
    }
    table
}

/// Time is a timestamp with zone: RFC 3339 text on SQLite, `timestamptz` on Postgres.
#[derive(Clone, Copy)]
pub enum Kind {
    Id,
    Text,
    Int,
    Bool,
    Json,
    Time,
    Blob,
}

pub fn primary_key(table: &mut TableCreateStatement, columns: &[&'static str]) {
    let mut key = Index::create();
    for column in columns {
        key.col(Alias::new(*column));
    }
    table.primary_key(&mut key);
}

/// `unique` and `filter` (a `WHERE` clause) are optional parts of an index.
pub struct IndexOf {
    pub table: &'static str,
    pub columns: &'static [&'static str],
    pub unique: bool,
    pub filter: Option<&'static str>,
}

impl IndexOf {
    pub fn sql(&self) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let columns = self.columns.join(", ");
        let plain: String = self
            .columns
            .iter()
            .map(|c| c.split(' ').next().unwrap_or(c))
            .collect::<Vec<_>>()
            .join("_");
        let filter = self
            .filter
            .map(|f| format!(" WHERE {f}"))
            .unwrap_or_default();
        format!(
            "CREATE {unique}INDEX IF NOT EXISTS idx_{table}_{plain} ON {table} ({columns}){filter}",
            table = self.table
        )
    }
}
