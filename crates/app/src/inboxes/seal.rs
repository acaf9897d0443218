//! Secrets on their way into their rows. Each one is bound to its owner and its name, so a sealed
//! text that is moved to another row, name or tenant does not open. `view` is the way back.

use crate::secrets::{Place, Sealer};
use crate::{App, Error, Result};
use channels::Secrets;
use domain::TenantId;
use std::fmt::Display;
use store::Tx;
use store::queries::secrets::{self, Sealed};
use store::queries::tenants;
use uuid::Uuid;

/// Whose secrets these are.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// `None` for rows of the installation.
    pub tenant: Option<TenantId>,
    pub table: &'static str,
    pub row: Uuid,
}

/// The text a secret is bound to.
pub fn place_row(row: impl Display, name: &str) -> String {
    format!("{row}/{name}")
}

/// Stores or replaces the named secrets; others of the owner stay.
pub async fn put(
    app: &App,
    tx: &Tx,
    owner: Owner,
    row: impl Display,
    plain: &Secrets,
) -> Result<()> {
    if plain.is_empty() {
        return Ok(());
    }
    let own;
    let sealer: &Sealer = match owner.tenant {
        None => app.vault.installation(),
        Some(tenant) => {
            let wrapped = tenants::data_key(tx, tenant).await?;
            own = app
                .vault
                .tenant(tenant, &wrapped)
                .map_err(Error::internal)?;
            &own
        }
    };
    for (name, value) in plain.iter() {
        let place = Place {
            table: owner.table,
            column: "secret",
            row: &place_row(&row, name),
        };
        let sealed = Sealed {
            name: name.to_owned(),
            sealed: sealer
                .seal(place, value.as_bytes())
                .map_err(Error::internal)?,
        };
        secrets::put(tx, owner.tenant, owner.row, sealed).await?;
    }
    Ok(())
}
