//! Cursor pages in the Relay shape, with bounds on how much one request may ask for.

use super::error::bad_input;
use async_graphql::SimpleObject;

/// Rows one page may hold.
pub const FIRST_MAX: i32 = 100;

#[derive(Debug, Clone, Default, SimpleObject)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub has_previous_page: bool,
    pub start_cursor: Option<String>,
    pub end_cursor: Option<String>,
}

/// Checks `first`; more than the bound is refused rather than silently cut.
pub fn first(asked: i32) -> async_graphql::Result<usize> {
    usize::try_from(asked)
        .ok()
        .filter(|_| (1..=FIRST_MAX).contains(&asked))
        .ok_or_else(|| bad_input(format!("first must be 1 to {FIRST_MAX}")))
}

/// Cuts the one row fetched beyond `first` and says whether it was there.
pub fn cut<T>(mut rows: Vec<T>, first: usize) -> (Vec<T>, bool) {
    let more = rows.len() > first;
    rows.truncate(first);
    (rows, more)
}

/// Builds the page info of rows whose cursors are known.
pub fn info(cursors: &[String], has_next_page: bool, has_previous_page: bool) -> PageInfo {
    PageInfo {
        has_next_page,
        has_previous_page,
        start_cursor: cursors.first().cloned(),
        end_cursor: cursors.last().cloned(),
    }
}

/// Declares `XEdge` and `XConnection` for a node type.
#[macro_export]
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty $(, $field:ident : $kind:ty)*) => {
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            pub cursor: String,
            pub node: $node,
        }

        #[derive(async_graphql::SimpleObject)]
        pub struct $connection {
            pub edges: Vec<$edge>,
            pub page_info: $crate::graphql::page::PageInfo,
            $(pub $field: $kind,)*
        }
    };
}
