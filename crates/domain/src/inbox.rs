//! Inboxes (connected accounts) and provider apps (developer apps at a provider).

use crate::{InboxId, InvalidTransition, ProviderAppId, QueueId, TenantId, Time, text_enum};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum InboxState {
        /// Settings are saved, the live check has not passed yet.
        Connecting = "connecting",
        Connected = "connected",
        /// The provider refuses our credentials: the composer is blocked, queued messages wait.
        NeedsReconnect = "needs_reconnect",
        Disconnected = "disconnected",
    }
}

impl InboxState {
    pub fn connected(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Connecting | Self::Connected | Self::NeedsReconnect | Self::Disconnected => {
                Ok(Self::Connected)
            }
        }
    }

    pub fn credentials_died(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Connecting | Self::Connected | Self::NeedsReconnect => Ok(Self::NeedsReconnect),
            Self::Disconnected => Err(self.refuse("lose its credentials")),
        }
    }

    pub fn disconnected(self) -> Result<Self, InvalidTransition> {
        Ok(Self::Disconnected)
    }

    pub const fn may_send(self) -> bool {
        matches!(self, Self::Connected)
    }

    fn refuse(self, action: &'static str) -> InvalidTransition {
        InvalidTransition {
            noun: "inbox",
            action,
            state: self.as_str(),
        }
    }
}

/// One connected account, number, page or mailbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbox {
    pub id: InboxId,
    pub tenant_id: TenantId,
    /// Channel kind: the folder name in `crates/channels/src`.
    pub channel: String,
    pub name: String,
    pub provider_app_id: Option<ProviderAppId>,
    /// The account's id at the provider; webhooks are routed by it.
    pub account: String,
    pub address: String,
    pub queue_id: QueueId,
    /// Settings of the manifest's field list. Secrets are not here: they are sealed rows.
    pub settings: serde_json::Value,
    pub state: InboxState,
    /// What went wrong and what to do, in words for the person who connects accounts.
    pub problem: Option<String>,
    /// How the long-lived connection is while it is not well. Only its session writes it; it says
    /// nothing about the account.
    pub session_problem: Option<String>,
    pub last_inbound_at: Option<Time>,
    pub last_outbound_at: Option<Time>,
    pub created_at: Time,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderApp {
    pub id: ProviderAppId,
    /// `None`: an app of the whole installation.
    pub tenant_id: Option<TenantId>,
    pub channel: String,
    pub name: String,
    /// Host of the instance for federated networks, else the provider's own.
    pub base_url: Option<String>,
    pub settings: serde_json::Value,
    pub created_at: Time,
}
