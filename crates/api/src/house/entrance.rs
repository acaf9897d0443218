//! Webhooks into `app`.

use crate::webhooks::{Delivery, Entrance, Outcome};
use app::App;
use app::inbound::{self, Accepted, Raw};
use async_trait::async_trait;

pub struct AppEntrance(pub App);

#[async_trait]
impl Entrance for AppEntrance {
    async fn accept(&self, delivery: Delivery) -> Outcome {
        let raw = Raw {
            method: delivery.method,
            path: delivery.path,
            query: delivery.query,
            headers: delivery.headers,
            body: delivery.body.into(),
        };
        match inbound::receive(&self.0, &delivery.channel, &delivery.key, raw).await {
            Ok(Accepted::Stored { .. }) => Outcome::Accepted,
            Ok(Accepted::Challenge {
                status,
                content_type,
                body,
            }) => Outcome::Challenge {
                status,
                content_type,
                body,
            },
            Ok(Accepted::Rejected) => Outcome::Rejected,
            Ok(Accepted::UnknownEntrance) => Outcome::Unknown,
            Err(error) => {
                // Whatever it was, the provider keeps the event and comes again.
                tracing::error!(error = ?error, "a webhook could not be stored");
                Outcome::Unavailable
            }
        }
    }
}
