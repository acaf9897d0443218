//! `meari keys rotate`: every sealed thing under the newest master key, and a new signing key.
//!
//! May be stopped and run again at any point: each row is sealed anew in its own transaction, and
//! both keys open everything until the old one is forgotten afterwards.

use crate::access::{self, place};
use crate::{App, Error, Result};
use store::queries::{jwt_keys, tenants};

/// What was sealed anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    pub tenants: usize,
    pub signing_keys: usize,
}

pub async fn rotate(app: &App) -> Result<Rotated> {
    let mut rotated = Rotated::default();
    for tenant in tenants::all(&app.read()).await? {
        let tx = app.store.begin_global("keys.rewrap_tenant").await?;
        let wrapped = tenants::data_key(&tx, tenant.id).await?;
        if let Some(anew) = app
            .vault
            .rewrap(tenant.id, &wrapped)
            .map_err(Error::internal)?
        {
            tenants::put_data_key(&tx, tenant.id, &anew).await?;
            rotated.tenants += 1;
        }
        app.commit(tx, ()).await?;
    }
    let tx = app.store.begin_global("keys.reseal_signing").await?;
    for key in jwt_keys::list(&tx).await? {
        let anew = app
            .vault
            .installation()
            .reseal(place(&key.kid), &key.sealed);
        if let Some(anew) = anew.map_err(Error::internal)? {
            jwt_keys::put_sealed(&tx, &key.kid, &anew).await?;
            rotated.signing_keys += 1;
        }
    }
    app.commit(tx, ()).await?;
    access::rotate_keys(app).await?;
    Ok(rotated)
}
