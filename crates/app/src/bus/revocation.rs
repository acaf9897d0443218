//! Access that ended, in the form that travels between nodes.

use domain::permission::{Actor, Credential};
use domain::{ApiTokenId, SessionId, TenantId, UserId};
use std::fmt;
use std::str::FromStr;

/// Whoever holds open what this ends closes it. The rows already say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revocation {
    Session(SessionId),
    Token(ApiTokenId),
    /// The membership ended or its role changed: what is open must prove itself again.
    Member(TenantId, UserId),
}

impl Revocation {
    pub fn ends(&self, actor: &Actor) -> bool {
        match (self, &actor.credential) {
            (Self::Session(id), Credential::Session(own)) => id == own,
            (Self::Token(id), Credential::Token { id: own, .. }) => id == own,
            (Self::Member(tenant, user), _) => *tenant == actor.tenant_id && *user == actor.user_id,
            _ => false,
        }
    }
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => write!(f, "{id}"),
            Self::Token(id) => write!(f, "{id}"),
            Self::Member(tenant, user) => write!(f, "{tenant} {user}"),
        }
    }
}

impl FromStr for Revocation {
    type Err = domain::ids::InvalidId;

    /// The ids' prefixes tell the kinds apart.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((tenant, user)) = text.split_once(' ') {
            return Ok(Self::Member(tenant.parse()?, user.parse()?));
        }
        text.parse()
            .map(Self::Token)
            .or_else(|_| text.parse().map(Self::Session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Time;

    #[test]
    fn a_revocation_survives_the_way_to_another_node() {
        let now = Time::default();
        for revocation in [
            Revocation::Session(SessionId::new(now)),
            Revocation::Token(ApiTokenId::new(now)),
            Revocation::Member(TenantId::new(now), UserId::new(now)),
        ] {
            assert_eq!(revocation.to_string().parse(), Ok(revocation));
        }
        assert!("nonsense".parse::<Revocation>().is_err());
    }
}
