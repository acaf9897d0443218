//! Who looks at which ticket and who types: told on the bus, forgotten after [`LIFE`], never stored.
//!
//! Invariants: only somebody who sees a ticket can tell about it, and only whoever sees the ticket
//! hears it; one person's signals are bounded; losing some of them harms nobody.

use crate::{App, Error, Result, events, rows, visibility};
use chrono::TimeDelta;
use domain::event::ScopeKey;
use domain::permission::{Actor, Permission};
use domain::{TenantId, TicketId, Time, UserId};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::queries::{tickets, users};
use tokio_stream::wrappers::BroadcastStream;

/// A signal that is not repeated is over after this long.
pub const LIFE: TimeDelta = TimeDelta::seconds(6);
/// How long a listener's keys are believed before they are read again.
const KEYS_FRESH: TimeDelta = TimeDelta::seconds(6);
/// Signals of one person within [`LIFE`]: five open tickets, each repeated every second or so.
const TOLD_MAX: u32 = 30;
const TELLERS_MAX: usize = 50_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    pub ticket_id: TicketId,
    pub user_id: UserId,
    pub user_name: String,
    pub typing: bool,
    pub expires_at: Time,
}

/// What travels: the signal and who may hear it.
#[derive(Serialize, Deserialize)]
struct Sent {
    ticket: String,
    user: String,
    name: String,
    typing: bool,
    expires_at: Time,
    scope: Vec<String>,
}

impl Sent {
    /// `None` for what another version of this program meant differently.
    fn read(bytes: &[u8]) -> Option<(Signal, Vec<ScopeKey>)> {
        let sent: Self = serde_json::from_slice(bytes).ok()?;
        let scope = sent.scope.iter().map(|key| key.parse().ok());
        let signal = Signal {
            ticket_id: sent.ticket.parse().ok()?,
            user_id: sent.user.parse().ok()?,
            user_name: sent.name,
            typing: sent.typing,
            expires_at: sent.expires_at,
        };
        Some((signal, scope.collect::<Option<_>>()?))
    }
}

/// How much each person told a moment ago. Part of [`App`].
#[derive(Default)]
pub struct Tellers(Mutex<HashMap<(TenantId, UserId), (Time, u32)>>);

impl Tellers {
    fn admit(&self, actor: &Actor, now: Time) -> Result<()> {
        let mut tellers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tellers.len() >= TELLERS_MAX {
            tellers.retain(|_, (since, _)| now - *since < LIFE);
        }
        let key = (actor.tenant_id, actor.user_id);
        let (since, told) = tellers.entry(key).or_insert((now, 0));
        if now - *since >= LIFE {
            (*since, *told) = (now, 0);
        }
        *told += 1;
        if *told > TOLD_MAX {
            let after = (LIFE - (now - *since)).to_std().unwrap_or(Duration::ZERO);
            return Err(Error::RateLimited { after });
        }
        Ok(())
    }
}

/// "I look at this ticket", and with `typing`: "I write in it". Said again every few seconds.
pub async fn tell(app: &App, actor: &Actor, ticket: TicketId, typing: bool) -> Result<()> {
    actor.may(Permission::WorkTickets)?;
    let now = app.now();
    app.tellers.admit(actor, now)?;
    let db = app.read();
    let ticket = visibility::visible_ticket(&db, actor, ticket).await?;
    let mentioned = tickets::mentioned(&db, actor.tenant_id, ticket.id).await?;
    let user = users::by_ids(&db, &[actor.user_id]).await?.pop();
    let scope = rows::ticket_scope(&ticket, &mentioned);
    let sent = Sent {
        ticket: ticket.id.to_string(),
        user: actor.user_id.to_string(),
        name: user.map(|user| user.name).unwrap_or_default(),
        typing,
        expires_at: now + LIFE,
        scope: scope.iter().map(ToString::to_string).collect(),
    };
    let payload = serde_json::to_vec(&sent).map_err(Error::internal)?;
    app.bus.signal(actor.tenant_id, payload.into());
    Ok(())
}

/// Signals of others on tickets that the actor sees. Ends when the bus does.
pub fn follow(app: &App, actor: &Actor) -> impl Stream<Item = Signal> + Send + use<> {
    let signals = BroadcastStream::new(app.bus.signals(actor.tenant_id));
    let listener = Arc::new(Listener {
        app: app.clone(),
        actor: actor.clone(),
        keys: tokio::sync::Mutex::default(),
    });
    signals.filter_map(move |received| {
        let listener = Arc::clone(&listener);
        async move {
            // An error means that some were missed; they would be over soon anyway.
            let (signal, scope) = Sent::read(&received.ok()?)?;
            let others = signal.user_id != listener.actor.user_id;
            (others && listener.may_hear(&scope).await).then_some(signal)
        }
    })
}

struct Listener {
    app: App,
    actor: Actor,
    keys: tokio::sync::Mutex<Option<(Time, BTreeSet<ScopeKey>)>>,
}

impl Listener {
    async fn may_hear(&self, scope: &[ScopeKey]) -> bool {
        let mut keys = self.keys.lock().await;
        let now = self.app.now();
        let fresh = keys.as_ref().is_some_and(|(at, _)| now - *at < KEYS_FRESH);
        if !fresh {
            // Without an answer from the database nobody hears anything.
            let read = events::keys_of(&self.app, &self.actor).await;
            *keys = read.ok().map(|read| (now, read));
        }
        keys.as_ref()
            .is_some_and(|(_, held)| scope.iter().any(|key| held.contains(key)))
    }
}
