//! An agent answers what she is asked. The first answer counts, and none after the time is over,
//! even when nobody has marked the offer expired yet.

use crate::work::{apply_claim, apply_release, claim_rows, refused};
use crate::{App, Error, Reader, Result, audit, race};
use domain::OfferId;
use domain::offer::{Offer, OfferState};
use domain::permission::{Actor, Permission};
use domain::ticket::Ticket;
use domain::work_item::WorkItem;
use routing::{ClaimPolicy, Refusal};
use serde_json::{Value, json};
use store::queries::tickets;
use store::{Tx, routing as stored};

const REASON_CHARS_MAX: usize = 200;

pub async fn accept(app: &App, actor: &Actor, id: OfferId) -> Result<(Offer, Ticket)> {
    actor.may(Permission::WorkTickets)?;
    race::again(|| accept_once(app, actor, id)).await
}

async fn accept_once(app: &App, actor: &Actor, id: OfferId) -> Result<(Offer, Ticket)> {
    let mut tx = app.begin(actor.tenant_id, "accept_offer").await?;
    let (offer, item, ticket) = locked(&tx, actor, id).await?;
    if offer.state() == OfferState::Accepted && ticket.assignee_id == Some(actor.user_id) {
        // Her first click arrived; the answer to it did not.
        return Ok((offer, ticket));
    }
    still_open(&tx, &offer)?;
    let rows = claim_rows(&tx, item, actor.user_id).await?;
    let claim = routing::claim(rows, ClaimPolicy::Accept, tx.now()).map_err(refused)?;
    let (claim, ticket) = apply_claim(&mut tx, claim, ticket).await?;
    audit::record(&tx, actor, "offer.accept", id, Value::Null).await?;
    let offer = claim.offer.unwrap_or(offer);
    app.commit(tx, (offer, ticket)).await
}

pub async fn decline(
    app: &App,
    actor: &Actor,
    id: OfferId,
    reason: Option<&str>,
) -> Result<(Offer, Ticket)> {
    actor.may(Permission::WorkTickets)?;
    let reason = reason.map(str::trim).filter(|text| !text.is_empty());
    if reason.is_some_and(|text| text.chars().count() > REASON_CHARS_MAX) {
        let rule = format!("a reason has at most {REASON_CHARS_MAX} characters");
        return Err(Error::invalid("reason", rule));
    }
    race::again(|| decline_once(app, actor, id, reason)).await
}

async fn decline_once(
    app: &App,
    actor: &Actor,
    id: OfferId,
    reason: Option<&str>,
) -> Result<(Offer, Ticket)> {
    let mut tx = app.begin(actor.tenant_id, "decline_offer").await?;
    let (offer, item, ticket) = locked(&tx, actor, id).await?;
    still_open(&tx, &offer)?;
    let agent = stored::lock_agent_state(&tx, actor.tenant_id, actor.user_id)
        .await?
        .ok_or_else(|| refused(Refusal::OfferOver))?;
    let why = reason.map(ToOwned::to_owned);
    let policy = stored::policy(&tx, actor.tenant_id).await?;
    let release = routing::decline(item, offer.clone(), agent, why, &policy, tx.now());
    let release = release.map_err(refused)?;
    let (release, ticket) = apply_release(&mut tx, release, ticket).await?;
    audit::record(&tx, actor, "offer.decline", id, json!({ "reason": reason })).await?;
    let offer = release.offer.unwrap_or(offer);
    app.commit(tx, (offer, ticket)).await
}

/// Her offer with its work; the ticket's lock comes first. Offers to others do not exist for her.
async fn locked(tx: &Tx, actor: &Actor, id: OfferId) -> Result<(Offer, WorkItem, Ticket)> {
    let tenant = actor.tenant_id;
    let seen = stored::offer(tx, tenant, id).await?;
    if seen.user_id != actor.user_id {
        return Err(Error::not_found("offer"));
    }
    let ticket = tickets::lock(tx, tenant, seen.ticket_id).await?;
    let offer = stored::offer(tx, tenant, id).await?;
    let item = stored::work_item(tx, tenant, seen.work_item_id).await?;
    Ok((offer, item, ticket))
}

fn still_open(tx: &Tx, offer: &Offer) -> Result<()> {
    if offer.is_open() && tx.now() < offer.expires_at {
        return Ok(());
    }
    let lost = matches!(
        offer.end_reason(),
        Some("taken" | "assigned" | "transferred")
    );
    Err(refused(if lost {
        Refusal::AlreadyTaken
    } else {
        Refusal::OfferOver
    }))
}

impl Reader {
    /// What the viewer is asked now. One that is over counts as gone, marked or not.
    pub async fn offers(&self) -> Result<Vec<Offer>> {
        let (tenant, user) = (self.tenant_id(), self.actor().user_id);
        let mut offers = stored::open_offers_to(self.db(), tenant, user).await?;
        offers.retain(|offer| self.now() < offer.expires_at);
        Ok(offers)
    }
}
