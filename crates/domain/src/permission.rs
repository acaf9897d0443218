//! Who may do what. Every use case starts with `actor.may(..)?`.

use crate::people::{Role, TokenScope};
use crate::{ApiTokenId, SessionId, TenantId, UserId};

/// What a use case needs. The least role and the token scope stand beside each word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read what the viewer's scope shows.
    Read,
    /// Answer, take, note, tag, change status of visible tickets; own agent state.
    WorkTickets,
    /// Assign to others, set others' state, see the whole tenant.
    Supervise,
    /// Inboxes, queues, skills, teams, provider apps, people, dead letters, audit.
    Administer,
    /// Change the role of admins and owners.
    Own,
    /// Own sessions and API tokens; needs a signed-in browser, never a token.
    ManageOwnAccess,
}

impl Permission {
    pub const ALL: &'static [Permission] = &[
        Self::Read,
        Self::WorkTickets,
        Self::Supervise,
        Self::Administer,
        Self::Own,
        Self::ManageOwnAccess,
    ];

    /// The word that screens compare.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::WorkTickets => "work_tickets",
            Self::Supervise => "supervise",
            Self::Administer => "administer",
            Self::Own => "own",
            Self::ManageOwnAccess => "manage_own_access",
        }
    }

    pub const fn role_min(self) -> Role {
        match self {
            Self::Read | Self::WorkTickets | Self::ManageOwnAccess => Role::Agent,
            Self::Supervise => Role::Supervisor,
            Self::Administer => Role::Admin,
            Self::Own => Role::Owner,
        }
    }

    const fn token_scope(self) -> Option<TokenScope> {
        match self {
            Self::Read => Some(TokenScope::Read),
            Self::WorkTickets | Self::Supervise => Some(TokenScope::Write),
            Self::Administer | Self::Own => Some(TokenScope::Admin),
            Self::ManageOwnAccess => None,
        }
    }
}

/// How the actor proved who she is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    Session(SessionId),
    Token {
        id: ApiTokenId,
        scopes: Vec<TokenScope>,
    },
}

/// A signed-in member of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub role: Role,
    pub credential: Credential,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("this needs the role {needed} or higher")]
    Role { needed: Role },
    #[error("this API token lacks the scope {needed}")]
    Scope { needed: TokenScope },
    #[error("this needs a signed-in browser, not an API token")]
    Token,
}

impl Actor {
    pub fn may(&self, permission: Permission) -> Result<(), Denied> {
        let needed = permission.role_min();
        if self.role < needed {
            return Err(Denied::Role { needed });
        }
        match (&self.credential, permission.token_scope()) {
            (Credential::Session(_), _) => Ok(()),
            (Credential::Token { .. }, None) => Err(Denied::Token),
            // A wider scope holds the narrower ones.
            (Credential::Token { scopes, .. }, Some(needed)) => {
                if scopes.iter().any(|s| *s >= needed) {
                    Ok(())
                } else {
                    Err(Denied::Scope { needed })
                }
            }
        }
    }

    /// Supervisors and above see the whole tenant; agents see their queues and their own.
    pub fn sees_whole_tenant(&self) -> bool {
        self.role >= Role::Supervisor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;

    fn actor(role: Role, credential: Credential) -> Actor {
        let now = Time::default();
        Actor {
            tenant_id: TenantId::new(now),
            user_id: UserId::new(now),
            role,
            credential,
        }
    }

    #[test]
    fn power_grows_with_the_role() {
        let session = Credential::Session(SessionId::new(Time::default()));
        for permission in Permission::ALL {
            for role in Role::ALL {
                let allowed = actor(*role, session.clone()).may(*permission).is_ok();
                assert_eq!(
                    allowed,
                    *role >= permission.role_min(),
                    "{role} {permission:?}"
                );
            }
        }
    }

    #[test]
    fn a_token_never_exceeds_its_scopes_nor_manages_access() {
        let token = |scopes| Credential::Token {
            id: ApiTokenId::new(Time::default()),
            scopes,
        };
        let reader = actor(Role::Owner, token(vec![TokenScope::Read]));
        assert!(reader.may(Permission::Read).is_ok());
        assert!(reader.may(Permission::WorkTickets).is_err());
        let writer = actor(Role::Owner, token(vec![TokenScope::Write]));
        assert!(writer.may(Permission::Read).is_ok() && writer.may(Permission::Supervise).is_ok());
        assert!(writer.may(Permission::Administer).is_err());
        let admin = actor(Role::Owner, token(vec![TokenScope::Admin]));
        assert!(admin.may(Permission::Own).is_ok());
        assert_eq!(admin.may(Permission::ManageOwnAccess), Err(Denied::Token));
    }
}
