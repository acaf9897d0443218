//! Running what sea-orm builds, on either database.
//!
//! sea-orm describes tables and builds statements; Postgres is reached through it, SQLite directly.

use crate::db::Conn;
use crate::error::StoreError;
use crate::sqlite;
use sea_orm::sea_query::{Expr, ValueType};
use sea_orm::{
    ActiveModelTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic as _, Iterable as _,
    QueryResult, QuerySelect, QueryTrait, Select, StatementBuilder, TryGetable, TryIntoModel,
};

pub(crate) enum Row {
    Postgres(QueryResult),
    Sqlite(sqlite::Row),
}

impl Row {
    pub fn get<T: TryGetable + ValueType>(&self, column: &str) -> Result<T, StoreError> {
        match self {
            Self::Postgres(row) => Ok(row.try_get("", column)?),
            Self::Sqlite(row) => typed(row.get(column), column),
        }
    }

    /// The only column, or the first one.
    pub fn first<T: TryGetable + ValueType>(&self) -> Result<T, StoreError> {
        match self {
            Self::Postgres(row) => Ok(row.try_get_by_index(0)?),
            Self::Sqlite(row) => typed(row.first(), "1"),
        }
    }

    pub fn model<E>(self) -> Result<E::Model, StoreError>
    where
        E: EntityTrait,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let mut row = match self {
            Self::Postgres(row) => return Ok(E::Model::from_query_result(&row, "")?),
            Self::Sqlite(row) => row,
        };
        let mut model = <E::ActiveModel as ActiveModelTrait>::default();
        for (place, column) in E::Column::iter().enumerate() {
            let name = column.as_str();
            let value = row.take(name, place).ok_or_else(|| missing(name))?;
            model
                .try_set(column, value)
                .map_err(|error| mistyped(name, error))?;
        }
        Ok(model.try_into_model()?)
    }
}

fn missing(column: &str) -> StoreError {
    StoreError::internal(format!("no column {column} in the answer"))
}

fn typed<T: ValueType>(value: Option<&sea_orm::Value>, column: &str) -> Result<T, StoreError> {
    let value = value.ok_or_else(|| missing(column))?.clone();
    T::try_from(value).map_err(|error| mistyped(column, error))
}

fn mistyped(column: &str, error: impl std::fmt::Display) -> StoreError {
    DbErr::Type(format!("column {column}: {error}")).into()
}

impl Conn {
    /// How many rows it changed.
    pub(crate) async fn run(&self, statement: &impl StatementBuilder) -> Result<u64, StoreError> {
        Ok(self.execute(statement.build(&self.backend())).await?)
    }

    pub(crate) async fn rows(
        &self,
        statement: &impl StatementBuilder,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(self.query(statement.build(&self.backend())).await?)
    }

    pub(crate) async fn row(
        &self,
        statement: &impl StatementBuilder,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(statement).await?.into_iter().next())
    }
}

/// What an entity selects.
pub(crate) trait Fetch<M>: Sized {
    fn fetch_all(self, conn: &Conn) -> impl Future<Output = Result<Vec<M>, StoreError>> + Send;

    fn fetch_one(self, conn: &Conn) -> impl Future<Output = Result<Option<M>, StoreError>> + Send;

    /// The first column of each row.
    fn fetch_values<T: TryGetable + ValueType>(
        self,
        conn: &Conn,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send;

    /// For several columns that are not a whole row of a table.
    fn fetch_rows(self, conn: &Conn) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;

    fn fetch_count(self, conn: &Conn) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

impl<E> Fetch<E::Model> for Select<E>
where
    E: EntityTrait,
    E::ActiveModel: TryIntoModel<E::Model>,
{
    async fn fetch_all(self, conn: &Conn) -> Result<Vec<E::Model>, StoreError> {
        let rows = conn.rows(self.as_query()).await?;
        rows.into_iter().map(Row::model::<E>).collect()
    }

    async fn fetch_one(self, conn: &Conn) -> Result<Option<E::Model>, StoreError> {
        let row = conn.row(self.limit(1).as_query()).await?;
        row.map(Row::model::<E>).transpose()
    }

    async fn fetch_values<T: TryGetable + ValueType>(
        self,
        conn: &Conn,
    ) -> Result<Vec<T>, StoreError> {
        let rows = conn.rows(self.as_query()).await?;
        rows.iter().map(Row::first).collect()
    }

    async fn fetch_rows(self, conn: &Conn) -> Result<Vec<Row>, StoreError> {
        conn.rows(self.as_query()).await
    }

    async fn fetch_count(self, conn: &Conn) -> Result<u64, StoreError> {
        let mut counted = self.into_query();
        counted.clear_selects().expr(Expr::cust("COUNT(*)"));
        let row = conn.row(&counted).await?;
        let n: i64 = row.ok_or_else(|| missing("1"))?.first()?;
        Ok(n.unsigned_abs())
    }
}

/// An insert, update or delete that an entity builds.
pub(crate) trait Run: QueryTrait + Sized {
    /// How many rows it changed.
    async fn run(self, conn: &Conn) -> Result<u64, StoreError> {
        conn.run(self.as_query()).await
    }
}

impl<Q: QueryTrait> Run for Q {}
