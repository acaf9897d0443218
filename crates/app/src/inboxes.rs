//! Connected accounts: what channels see of them, and the use cases around connecting.

mod view;

pub use view::{app_view, open_app, view, view_without_secrets};

use crate::{App, Result, rows};
use domain::inbox::Inbox;

/// The provider refuses our credentials: the composer is blocked, everybody is told, messages wait.
pub(crate) async fn credentials_died(app: &App, inbox: &Inbox, reason: String) -> Result<()> {
    let mut tx = app.begin(inbox.tenant_id, "credentials_died").await?;
    let mut inbox = store::queries::inboxes::get(&tx, inbox.tenant_id, inbox.id).await?;
    inbox.state = inbox.state.credentials_died()?;
    inbox.problem = Some(reason);
    rows::put_inbox(&mut tx, inbox).await?;
    metrics::counter!("meari_inbox_credentials_died_total").increment(1);
    app.commit(tx, ()).await
}
