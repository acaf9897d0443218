//! Contacts with their identities, and colleagues: the whole tenant sees them.

use super::Reader;
use crate::{Error, Result};
use domain::contact::{Contact, Identity};
use domain::people::User;
use domain::{ContactId, IdentityId, UserId};
use store::queries::{contacts, identities, users};

impl Reader {
    pub async fn contacts_by_ids(&self, ids: &[ContactId]) -> Result<Vec<Contact>> {
        Ok(contacts::by_ids(self.db(), self.tenant_id(), ids).await?)
    }

    pub async fn contact(&self, id: ContactId) -> Result<Contact> {
        let found = self.contacts_by_ids(&[id]).await?.pop();
        found.ok_or(Error::not_found("contact"))
    }

    /// The identities of the given contacts, oldest first.
    pub async fn identities_of(&self, contacts: &[ContactId]) -> Result<Vec<Identity>> {
        Ok(identities::of_contacts(self.db(), self.tenant_id(), contacts).await?)
    }

    pub async fn identities_by_ids(&self, ids: &[IdentityId]) -> Result<Vec<Identity>> {
        Ok(identities::by_ids(self.db(), self.tenant_id(), ids).await?)
    }

    /// People named on tickets and messages. Users are global, so the ids must come from rows of
    /// the viewer's tenant, as those of assignees and authors do.
    pub async fn users_by_ids(&self, ids: &[UserId]) -> Result<Vec<User>> {
        Ok(users::by_ids(self.db(), ids).await?)
    }
}
