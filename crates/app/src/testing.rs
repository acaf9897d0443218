//! An [`App`] on a fresh test database, with mails that are kept and a clock that stands still.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot have its app must fail loudly"
)]

use crate::auth::{Client, SignedIn};
use crate::blobs::Blobs;
use crate::bus::LocalBus;
use crate::mailer::{Mail, MailError, Mailer};
use crate::outbound::Outbound;
use crate::outbound::guard::{Guard, GuardConfig};
use crate::passwords::Passwords;
use crate::secrets::{MasterKeys, Vault};
use crate::setup::{self, Setup};
use crate::{App, Config, Parts};
use async_trait::async_trait;
use domain::people::{Membership, Role, Tenant, User};
use domain::permission::{Actor, Credential};
use domain::{Clock, MembershipId, NodeId, SessionId, TenantId, Time, UserId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::queries::{memberships, tenants, users};
use store::{Store, Tx};

pub use store::testing::TestDb;

pub const PASSWORD: &str = "the echo returns at dusk";
pub const OWNER: &str = "owner@example.com";

/// Keeps what would have been sent.
#[derive(Debug, Default)]
pub struct Outbox(Mutex<Vec<Mail>>);

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail, _now: Time) -> Result<(), MailError> {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(mail.clone());
        Ok(())
    }
}

impl Outbox {
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Goes away with its folder.
pub struct TestApp {
    pub app: App,
    pub outbox: Arc<Outbox>,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

pub async fn app(db: &TestDb) -> TestApp {
    build(
        db.store.clone(),
        Arc::new(db.clock.clone()),
        Vault::new(MasterKeys::random()),
    )
    .await
}

/// A second node on the same database, with a bus that does not reach the first.
pub async fn app_on(first: &TestApp, store: Store) -> TestApp {
    build(store, Arc::clone(&first.clock), first.vault.clone()).await
}

async fn build(store: Store, clock: Arc<dyn Clock>, vault: Vault) -> TestApp {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let blobs = Blobs::open_folder(folder.path())
        .await
        .expect("the blob folder opens");
    // Peers of tests are on this machine; what strangers name is guarded all the same.
    let guard = Guard::new(GuardConfig {
        configured_may_be_private: true,
        ..GuardConfig::default()
    });
    let outbound = Outbound::new(guard, "meari-test", blobs.clone(), clock.clone())
        .expect("the client is built");
    let outbox = Arc::new(Outbox::default());
    let app = App::new(Parts {
        store,
        clock: Arc::clone(&clock),
        bus: Arc::new(LocalBus::default()),
        mailer: Arc::clone(&outbox) as Arc<dyn Mailer>,
        outbound,
        passwords: Passwords::new(2),
        vault,
        blobs,
        config: Config {
            node: NodeId::new(clock.now()),
            public_url: "https://desk.example.com".to_owned(),
            base_urls: BTreeMap::new(),
            demo: None,
        },
    });
    TestApp {
        app,
        outbox,
        _folder: folder,
    }
}

pub fn client(ip: &str) -> Client {
    Client {
        ip: ip.parse().ok(),
        user_agent: "test browser".to_owned(),
    }
}

fn input(tenant: &str, email: &str) -> Setup {
    Setup {
        tenant: tenant.to_owned(),
        email: email.to_owned(),
        name: "Olivia".to_owned(),
        password: PASSWORD.to_owned().into(),
        locale: None,
        time_zone: None,
    }
}

/// The first tenant with its owner signed in.
pub async fn set_up(app: &App) -> SignedIn {
    setup::run(app, &client("192.0.2.1"), input("Echo", OWNER))
        .await
        .expect("the first set-up succeeds")
}

/// Another tenant beside the first.
pub async fn second_tenant(app: &App, email: &str) -> SignedIn {
    setup::add_tenant_at_console(app, input("Ridge", email))
        .await
        .expect("the tenant is added");
    crate::auth::sign_in(app, &client("192.0.2.3"), email, PASSWORD.to_owned().into())
        .await
        .expect("its owner signs in")
}

/// Runs the whole way of an invitation and answers the new member's session.
pub async fn join(app: &App, inviter: &Actor, email: &str, role: Role) -> SignedIn {
    crate::invitations::invite(app, inviter, email, role)
        .await
        .expect("the invitation is written");
    let token = mailed_token(app, inviter.tenant_id).await;
    let name = email.split('@').next().unwrap_or(email);
    crate::invitations::accept(
        app,
        &client("192.0.2.2"),
        &token,
        name,
        PASSWORD.to_owned().into(),
    )
    .await
    .expect("the invitation is accepted")
}

/// Does the work of the mail jobs that wait and answers the token of the newest mail.
pub async fn mailed_token(app: &App, tenant: TenantId) -> String {
    use domain::job::Job;
    let mut newest = None;
    // One job of each lane at a time, as the worker takes them.
    loop {
        let tx = app.begin(tenant, "testing.claim").await.expect("a turn");
        let until = tx.now() + chrono::TimeDelta::seconds(60);
        let claimed = store::jobs::claim(&tx, store::jobs::Which::All, app.config.node, 100, until)
            .await
            .expect("jobs are claimed");
        for job in &claimed {
            let mail = match job.job.clone() {
                Job::SendInvitation {
                    invitation,
                    sealed_token,
                } => crate::invitations::mail(app, tenant, invitation, &sealed_token).await,
                Job::SendPasswordReset { user, sealed_token } => {
                    crate::password_change::mail(app, tenant, user, &sealed_token).await
                }
                _ => Ok(None),
            };
            newest = mail.expect("the mail is written").or(newest);
            store::jobs::finish(&tx, job).await.expect("the job ends");
        }
        app.commit(tx, ()).await.expect("the work is committed");
        if claimed.is_empty() {
            break;
        }
    }
    let mail = newest.expect("a mail was waiting");
    let (_, rest) = mail.text.split_once('#').expect("the mail holds a link");
    rest.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A customer of the sandbox writes, and the worker has done everything that follows.
pub async fn customer_writes(
    app: &App,
    inbox: &domain::inbox::Inbox,
    text: &str,
) -> domain::ticket::Ticket {
    use store::queries::{identities, tickets};
    let channel = channels::by_kind("sandbox").expect("the sandbox is built in");
    let event = serde_json::json!({
        "id": "test-event", "type": "message", "at": app.now(), "message_id": "test-message",
        "from": { "id": "test-customer", "handle": "@test@example.net", "name": "Test Customer" },
        "text": text,
    });
    let part = channels::Part {
        account: inbox.account.clone(),
        lane: "test-customer".into(),
        dedupe: "test-event".into(),
        bytes: serde_json::to_vec(&event).expect("JSON is written"),
    };
    crate::inbound::store_parts(app, channel, Some(inbox), None, app.now(), vec![part])
        .await
        .expect("the event is stored");
    while crate::jobs::run_due(app).await.expect("jobs run") > 0 {}
    let tenant = inbox.tenant_id;
    let read = app.read();
    let known = identities::by_handle(&read, tenant, "sandbox", "", "test-customer").await;
    let customer = known.expect("identities are read").expect("she is known");
    tickets::newest_open_of_contact(&read, tenant, customer.contact_id)
        .await
        .expect("tickets are read")
        .expect("she has a ticket")
}

/// A tenant with nobody in it.
pub async fn bare_tenant(app: &App) -> TenantId {
    let tx = app
        .store
        .begin_global("testing.tenant")
        .await
        .expect("a turn");
    let tenant = Tenant {
        id: TenantId::new(tx.now()),
        name: "Echo".into(),
        time_zone: "UTC".into(),
        locale: "en".into(),
        created_at: tx.now(),
    };
    tenants::insert(&tx, &tenant, &[0])
        .await
        .expect("the tenant is new");
    app.commit(tx, tenant.id)
        .await
        .expect("the tenant is stored")
}

/// A member without a password, as if she had a session.
pub async fn person(tx: &Tx, tenant: TenantId, name: &str, role: Role) -> Actor {
    let now = tx.now();
    let user = User {
        id: UserId::new(now),
        email: format!("{name}@{tenant}.example.com"),
        name: name.to_owned(),
        locale: "en".into(),
        created_at: now,
    };
    users::insert(tx, &user, None)
        .await
        .expect("the person is new");
    let membership = Membership {
        id: MembershipId::new(now),
        tenant_id: tenant,
        user_id: user.id,
        role,
        created_at: now,
        removed_at: None,
    };
    memberships::insert(tx, &membership)
        .await
        .expect("she is no member yet");
    Actor {
        tenant_id: tenant,
        user_id: user.id,
        role,
        credential: Credential::Session(SessionId::new(now)),
    }
}
