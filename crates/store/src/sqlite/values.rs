//! Values on their way in and out.
//!
//! SQLite stores integers, reals, texts and blobs; sea-orm wants to hear of instants, ids, truth
//! and JSON. The declared type of a column says which it is. An expression has none and gives what
//! is stored: such a column must be read as an integer, a text or bytes.

use super::fault::Fault;
use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::Statement;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use sea_orm::{DbErr, Value};
use std::sync::Arc;
use uuid::Uuid;

/// Binds the values of a statement, `?` by place and `$n` by number.
pub(super) fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), Fault> {
    for place in 1..=statement.parameter_count() {
        let numbered = statement
            .parameter_name(place)
            .and_then(|name| name.get(1..)?.parse().ok());
        let value = values
            .get(numbered.unwrap_or(place) - 1)
            .ok_or_else(|| fault(format!("the statement has no value {place}")))?;
        statement.raw_bind_parameter(place, Bound(value))?;
    }
    Ok(())
}

fn fault(message: String) -> Fault {
    Fault { code: 1, message }
}

struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let integer = |n: Option<i64>| n.map_or(ValueRef::Null, ValueRef::Integer);
        let text =
            |s: Option<String>| s.map_or(ToSqlOutput::Borrowed(ValueRef::Null), ToSqlOutput::from);
        let borrowed = match self.0 {
            Value::Bool(v) => integer(v.map(i64::from)),
            Value::Int(v) => integer(v.map(i64::from)),
            Value::Unsigned(v) => integer(v.map(i64::from)),
            Value::BigInt(v) => integer(*v),
            Value::BigUnsigned(v) => integer((*v).map(i64::try_from).transpose().map_err(other)?),
            Value::Double(v) => v.map_or(ValueRef::Null, ValueRef::Real),
            Value::String(v) => v
                .as_ref()
                .map_or(ValueRef::Null, |v| ValueRef::Text(v.as_bytes())),
            Value::Bytes(v) => v.as_deref().map_or(ValueRef::Null, ValueRef::Blob),
            Value::Uuid(v) => v
                .as_ref()
                .map_or(ValueRef::Null, |v| ValueRef::Blob(v.as_bytes())),
            Value::Json(v) => return Ok(text(v.as_ref().map(ToString::to_string))),
            Value::ChronoDateTimeUtc(v) => return Ok(text(v.as_ref().map(instant))),
            unknown => {
                let what = format!("SQLite is not told how to store {unknown:?}");
                return Err(other(std::io::Error::other(what)));
            }
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// RFC 3339 with as many digits as it takes: what is on disk sorts as text.
fn instant(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// A column of a result: its name and what its values mean.
pub(super) struct Column {
    name: String,
    kind: Kind,
}

enum Kind {
    AsStored,
    Bool,
    Text,
    Blob,
    Id,
    Instant,
    Json,
}

impl Column {
    pub fn all(statement: &Statement<'_>) -> Arc<[Self]> {
        let columns = statement.columns();
        columns
            .iter()
            .map(|column| Self {
                name: column.name().to_owned(),
                kind: Kind::declared(column.decl_type().unwrap_or_default()),
            })
            .collect()
    }

    fn read(&self, row: &rusqlite::Row<'_>, place: usize) -> Result<Value, DbErr> {
        let stored = row.get_ref(place).map_err(Fault::from)?;
        self.kind.read(stored).map_err(|what| {
            let name = &self.name;
            DbErr::Type(format!("column {name} holds no {what}"))
        })
    }
}

/// What a query found, in the words of sea-orm.
pub struct Row {
    columns: Arc<[Column]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn read(columns: &Arc<[Column]>, row: &rusqlite::Row<'_>) -> Result<Self, DbErr> {
        let values = columns.iter().enumerate();
        Ok(Self {
            columns: Arc::clone(columns),
            values: values
                .map(|(place, column)| column.read(row, place))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The value of a column, which leaves the row; `place` is where it most likely is.
    pub fn take(&mut self, name: &str, place: usize) -> Option<Value> {
        let is_there = self.columns.get(place).is_some_and(|c| c.name == name);
        let place = if is_there {
            place
        } else {
            self.columns.iter().position(|c| c.name == name)?
        };
        let nothing = Value::BigInt(None);
        Some(std::mem::replace(self.values.get_mut(place)?, nothing))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.columns.iter().position(|c| c.name == name)?;
        self.values.get(place)
    }

    pub fn first(&self) -> Option<&Value> {
        self.values.first()
    }
}

impl Kind {
    /// The words of sea-query for SQLite, of which SQLite writes its own ones large.
    fn declared(declared: &str) -> Self {
        match declared {
            "boolean" => Self::Bool,
            "TEXT" | "text" => Self::Text,
            "BLOB" | "blob" => Self::Blob,
            "uuid_text" => Self::Id,
            "timestamp_with_timezone_text" => Self::Instant,
            "jsonb_text" => Self::Json,
            _ => Self::AsStored,
        }
    }

    fn read(&self, stored: ValueRef<'_>) -> Result<Value, &'static str> {
        if stored == ValueRef::Null {
            return Ok(self.null());
        }
        let text = || stored.as_str().map_err(|_| "text");
        Ok(match self {
            Self::Bool => Value::Bool(Some(stored.as_i64().map_err(|_| "truth value")? != 0)),
            Self::Text => Value::String(Some(text()?.to_owned())),
            Self::Blob => Value::Bytes(Some(stored.as_bytes().map_err(|_| "bytes")?.to_vec())),
            Self::Id => {
                let bytes = stored.as_blob().map_err(|_| "id")?;
                Value::Uuid(Some(Uuid::from_slice(bytes).map_err(|_| "id")?))
            }
            Self::Instant => {
                let at = DateTime::parse_from_rfc3339(text()?).map_err(|_| "instant")?;
                Value::ChronoDateTimeUtc(Some(at.to_utc()))
            }
            Self::Json => {
                let json = serde_json::from_str(text()?).map_err(|_| "JSON")?;
                Value::Json(Some(Box::new(json)))
            }
            Self::AsStored => match stored {
                ValueRef::Integer(n) => Value::BigInt(Some(n)),
                ValueRef::Real(n) => Value::Double(Some(n)),
                ValueRef::Blob(bytes) => Value::Bytes(Some(bytes.to_vec())),
                _ => Value::String(Some(text()?.to_owned())),
            },
        })
    }

    const fn null(&self) -> Value {
        match self {
            Self::AsStored => Value::BigInt(None),
            Self::Bool => Value::Bool(None),
            Self::Text => Value::String(None),
            Self::Blob => Value::Bytes(None),
            Self::Id => Value::Uuid(None),
            Self::Instant => Value::ChronoDateTimeUtc(None),
            Self::Json => Value::Json(None),
        }
    }
}
