//! The first run: one tenant, its owner, a queue to begin with.
//!
//! Invariant: it happens once in the life of an installation, however many browsers try at the
//! same moment; the loser is told so and changes nothing.

use crate::auth::{self, Client, SignedIn, normal_email};
use crate::people::{NAME_CHARS_MAX, checked_locale, checked_name, checked_time_zone, join};
use crate::{App, Error, Result, audit, passwords};
use domain::event::{NewEvent, ScopeKey};
use domain::image::Image;
use domain::people::{Membership, Role, Tenant, User};
use domain::queue::{Queue, QueueMember, QueueRouting};
use domain::{MembershipId, QueueId, TenantId, Time, UserId};
use secrecy::SecretString;
use store::Tx;
use store::queries::{queues, tenants, users};

/// What the first screen asks.
#[derive(Debug, Clone)]
pub struct Setup {
    pub tenant: String,
    pub email: String,
    pub name: String,
    pub password: SecretString,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
}

/// Whether the installation still waits for its first tenant.
pub async fn is_needed(app: &App) -> Result<bool> {
    Ok(!tenants::any(&app.read()).await?)
}

fn already_done() -> Error {
    Error::conflict(
        "ALREADY_TAKEN",
        "this installation is set up already; sign in instead",
    )
}

/// The input after every check, with its password still to be hashed.
struct Checked {
    tenant: String,
    email: String,
    name: String,
    locale: String,
    time_zone: String,
}

fn checked(setup: &Setup) -> Result<Checked> {
    let email = normal_email(&setup.email)?;
    passwords::check_rules(&setup.password, &email)?;
    Ok(Checked {
        tenant: checked_name("tenant", &setup.tenant, NAME_CHARS_MAX)?,
        name: checked_name("name", &setup.name, NAME_CHARS_MAX)?,
        locale: checked_locale(setup.locale.as_deref().unwrap_or("en"))?,
        time_zone: checked_time_zone(setup.time_zone.as_deref().unwrap_or("UTC"))?,
        email,
    })
}

pub async fn run(app: &App, client: &Client, setup: Setup) -> Result<SignedIn> {
    let checked = checked(&setup)?;
    // Asked before hashing, so that nobody makes a finished installation hash for her.
    if !is_needed(app).await? {
        return Err(already_done());
    }
    let hash = app.passwords.hash(setup.password).await?;

    let mut tx = app.store.begin_global("setup.run").await?;
    if !tenants::claim_setup(&tx).await? {
        return Err(already_done());
    }
    let owner = new_user(&checked, tx.now());
    users::insert(&tx, &owner, Some(&hash)).await?;
    let membership = found(app, &mut tx, checked, &owner, &client.ip_text()).await?;
    let started = auth::start(&tx, client, &owner, &membership).await?;
    app.commit(tx, ()).await?;
    auth::grant(app, started).await
}

/// For whoever holds the machine: one more tenant in this installation. Its owner may be somebody
/// who has an account already; then her name and password stay as they are.
pub async fn add_tenant_at_console(app: &App, setup: Setup) -> Result<Membership> {
    let checked = checked(&setup)?;
    let hash = app.passwords.hash(setup.password).await?;
    let mut tx = app.store.begin_global("setup.add_tenant").await?;
    let owner = match users::by_email(&tx, &checked.email).await? {
        Some((user, _)) => user,
        None => {
            let user = new_user(&checked, tx.now());
            users::insert(&tx, &user, Some(&hash)).await?;
            user
        }
    };
    let membership = found(app, &mut tx, checked, &owner, "console").await?;
    app.commit(tx, membership).await
}

fn new_user(checked: &Checked, now: Time) -> User {
    User {
        id: UserId::new(now),
        email: checked.email.clone(),
        name: checked.name.clone(),
        locale: checked.locale.clone(),
        created_at: now,
    }
}

/// Writes a tenant, its owner's membership and its first queue.
async fn found(
    app: &App,
    tx: &mut Tx,
    checked: Checked,
    owner: &User,
    ip: &str,
) -> Result<Membership> {
    let now = tx.now();
    let tenant = Tenant {
        id: TenantId::new(now),
        name: checked.tenant,
        time_zone: checked.time_zone,
        locale: checked.locale,
        created_at: now,
    };
    let wrapped = app
        .vault
        .new_tenant_keys(tenant.id)
        .map_err(Error::internal)?;
    tenants::insert(tx, &tenant, &wrapped).await?;
    let membership = Membership {
        id: MembershipId::new(now),
        tenant_id: tenant.id,
        user_id: owner.id,
        role: Role::Owner,
        created_at: now,
        removed_at: None,
    };
    join(tx, owner, membership.clone()).await?;
    insert_queue(tx, first_queue(tenant.id, owner.id, now)).await?;
    audit::record_person(tx, tenant.id, owner.id, ip, "tenant.setup", tenant.id).await?;
    Ok(membership)
}

fn first_queue(tenant_id: TenantId, owner: UserId, now: Time) -> Queue {
    Queue {
        id: QueueId::new(now),
        tenant_id,
        name: "General".to_owned(),
        color: 0,
        offer_ttl_s: 30,
        target_s: 300,
        required_skills: Vec::new(),
        members: vec![QueueMember {
            user_id: owner,
            priority: 1,
            delay_s: 0,
        }],
        routing: QueueRouting::default(),
        archived_at: None,
        version: 0,
    }
}

async fn insert_queue(tx: &mut Tx, queue: Queue) -> Result<()> {
    queues::insert(tx, &queue).await?;
    let tenant = queue.tenant_id;
    let event = NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Queue(Box::new(queue)),
    };
    tx.emit_for(tenant, event);
    Ok(())
}
