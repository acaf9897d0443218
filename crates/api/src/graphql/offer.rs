//! Offers: what the viewer is asked, and her answers.

use super::context::{actor_who_may, app, reader};
use super::error::{Problem, outcome};
use super::loaders::one;
use super::ticket::Ticket;
use super::words::{OfferState, id, parse};
use app::offers;
use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use domain::permission::Permission;
use domain::{Time, offer, ticket};

pub struct Offer(offer::Offer);

impl From<offer::Offer> for Offer {
    fn from(offer: offer::Offer) -> Self {
        Self(offer)
    }
}

#[Object]
impl Offer {
    async fn id(&self) -> ID {
        id(self.0.id)
    }

    async fn ticket(&self, ctx: &Context<'_>) -> Result<Ticket> {
        Ok(one(ctx, self.0.ticket_id, "ticket").await?.into())
    }

    async fn queue_id(&self) -> ID {
        id(self.0.queue_id)
    }

    async fn user_id(&self) -> ID {
        id(self.0.user_id)
    }

    async fn state(&self) -> OfferState {
        self.0.state().into()
    }

    /// Why it was declined or withdrawn.
    async fn end_reason(&self) -> Option<&str> {
        self.0.end_reason()
    }

    /// Why she was asked: the rule, her score, who came next, who could not be asked.
    async fn reason(&self) -> Json<serde_json::Value> {
        Json(self.0.reason.clone())
    }

    async fn created_at(&self) -> Time {
        self.0.created_at
    }

    async fn expires_at(&self) -> Time {
        self.0.expires_at
    }
}

#[derive(SimpleObject)]
pub struct OfferPayload {
    pub problem: Option<Problem>,
    pub offer: Option<Offer>,
    pub ticket: Option<Ticket>,
}

impl OfferPayload {
    fn of(result: app::Result<(offer::Offer, ticket::Ticket)>) -> Result<Self> {
        Ok(match outcome(result)? {
            Ok((offer, ticket)) => Self {
                problem: None,
                offer: Some(offer.into()),
                ticket: Some(ticket.into()),
            },
            Err(problem) => Self {
                problem: Some(problem),
                offer: None,
                ticket: None,
            },
        })
    }
}

#[derive(Default)]
pub struct OfferQuery;

#[Object]
impl OfferQuery {
    /// Offers open for the viewer.
    async fn offers(&self, ctx: &Context<'_>) -> Result<Vec<Offer>> {
        let offers = reader(ctx)?.offers().await?;
        Ok(offers.into_iter().map(Offer::from).collect())
    }
}

#[derive(Default)]
pub struct OfferMutation;

#[Object]
impl OfferMutation {
    async fn accept_offer(&self, ctx: &Context<'_>, id: ID) -> Result<OfferPayload> {
        let actor = actor_who_may(ctx, Permission::WorkTickets)?;
        OfferPayload::of(offers::accept(app(ctx)?, actor, parse(&id)?).await)
    }

    async fn decline_offer(
        &self,
        ctx: &Context<'_>,
        id: ID,
        reason: Option<String>,
    ) -> Result<OfferPayload> {
        let actor = actor_who_may(ctx, Permission::WorkTickets)?;
        let id = parse(&id)?;
        OfferPayload::of(offers::decline(app(ctx)?, actor, id, reason.as_deref()).await)
    }
}
