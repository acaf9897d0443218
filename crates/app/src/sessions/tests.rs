//! Promises of a session towards the database, with a scripted channel in the middle.

use super::task::{self, Ended};
use crate::App;
use crate::inboxes::{self, Connecting, NewInbox};
use crate::testing::{self, TestApp};
use channels::{Cursor, Input, Outcome, Output, Part, Session};
use chrono::TimeDelta;
use domain::inbox::{Inbox, InboxState};
use domain::{NodeId, Time};
use serde_json::json;
use store::for_each_backend;
use store::leases;
use store::queries::{deliveries, inboxes as rows};
use store::testing::TestDb;
use tokio_util::sync::CancellationToken;

/// Says everything at once, and ends when the last of it is stored.
struct Script(Vec<Output>, Cursor);

impl Session for Script {
    fn handle(&mut self, input: Input, _now: Time) -> Vec<Output> {
        match input {
            Input::Start => std::mem::take(&mut self.0),
            Input::Stored(cursor) if cursor == self.1 => vec![Output::Ended(Outcome::Ok)],
            _ => Vec::new(),
        }
    }
}

struct Desk {
    app: TestApp,
    inbox: Inbox,
    epoch: i64,
}

async fn desk(db: &TestDb) -> Desk {
    let app = testing::app(db).await;
    let owner = testing::set_up(&app).await;
    let read = app.read();
    let queues = store::queries::queues::all(&read, owner.actor.tenant_id);
    let queue_id = queues.await.unwrap().remove(0).id;
    let new = NewInbox {
        channel: "sandbox".into(),
        name: "Moa".into(),
        queue_id,
        provider_app_id: None,
        settings: json!({ "account": "moa" }),
        secrets: Some(json!({ "signing_secret": "whsec_bW9hbW9hbW9h" })),
    };
    let connected = inboxes::connect(&app, &owner.actor, new).await.unwrap();
    let Connecting::Connected(inbox) = connected else {
        panic!("the sandbox has no consent page")
    };
    let tx = app.store.begin_global("test.lease").await.unwrap();
    let until = tx.now() + TimeDelta::seconds(10);
    let taken = leases::take_inbox(&tx, inbox.id, app.config.node, until).await;
    let epoch = app.commit(tx, taken.unwrap()).await.unwrap().unwrap();
    Desk {
        app,
        inbox: *inbox,
        epoch,
    }
}

fn part(dedupe: &str) -> Part {
    let event = json!({ "id": dedupe, "type": "message", "message_id": dedupe, "text": dedupe,
        "from": { "id": "sofia", "name": "Sofia" } });
    Part {
        account: "moa".into(),
        lane: "sofia".into(),
        dedupe: dedupe.into(),
        bytes: serde_json::to_vec(&event).unwrap(),
    }
}

impl Desk {
    /// Runs a session that delivers these, and answers how it ended.
    async fn deliver(&self, parts: &[&str]) -> Ended {
        let cursor = |n: usize| Cursor(format!("{n}"));
        let outputs = parts.iter().enumerate().map(|(n, name)| Output::Deliver {
            part: part(name),
            cursor: cursor(n + 1),
        });
        let script = Script(outputs.collect(), cursor(parts.len()));
        self.run(script).await
    }

    async fn run(&self, script: Script) -> Ended {
        let app = App::clone(&self.app);
        let stop = CancellationToken::new();
        task::run_session(app, self.inbox.clone(), self.epoch, stop, Box::new(script)).await
    }

    async fn cursor(&self) -> Option<String> {
        let (tenant, id) = (self.inbox.tenant_id, self.inbox.id);
        rows::session_cursor(&self.app.read(), tenant, id)
            .await
            .unwrap()
    }

    async fn stored(&self) -> Inbox {
        let (tenant, id) = (self.inbox.tenant_id, self.inbox.id);
        rows::get(&self.app.read(), tenant, id).await.unwrap()
    }

    /// What customers said, sorted.
    async fn heard(&self) -> Vec<String> {
        while crate::jobs::run_due(&self.app).await.unwrap() > 0 {}
        let read = self.app.read();
        let mut heard = Vec::new();
        for name in ["before", "poison", "after"] {
            let found = store::queries::messages::by_external_id(
                &read,
                self.inbox.tenant_id,
                self.inbox.id,
                name,
            );
            heard.extend(found.await.unwrap().map(|message| message.text));
        }
        heard
    }
}

/// Makes the database refuse one key, and the one we would give it instead.
async fn refuse_poison(db: &TestDb, even_renamed: bool) {
    let condition = |column: &str| match even_renamed {
        true => format!("({column} = 'poison' OR {column} LIKE 'refused:%')"),
        false => format!("{column} = 'poison'"),
    };
    let sql = if db.store.is_sqlite() {
        format!(
            "CREATE TRIGGER no_poison BEFORE INSERT ON webhook_deliveries WHEN {} \
             BEGIN SELECT RAISE(ABORT, 'no'); END",
            condition("NEW.dedupe")
        )
    } else {
        format!(
            "ALTER TABLE webhook_deliveries ADD CONSTRAINT no_poison CHECK (NOT {})",
            condition("dedupe")
        )
    };
    db.execute(&sql).await;
}

for_each_backend! {
    async fn a_part_the_database_refuses_is_kept_under_other_keys_and_the_session_goes_on(db) {
        let desk = desk(db).await;
        refuse_poison(db, false).await;
        let ended = desk.deliver(&["before", "poison", "after"]).await;
        assert!(matches!(ended, Ended::Over(Outcome::Ok)));
        assert_eq!(desk.cursor().await.as_deref(), Some("3"));
        assert_eq!(desk.heard().await, ["before", "poison", "after"]);
    }

    async fn a_part_refused_in_every_form_does_not_hold_up_the_others(db) {
        let desk = desk(db).await;
        refuse_poison(db, true).await;
        let ended = desk.deliver(&["before", "poison", "after"]).await;
        assert!(matches!(ended, Ended::Over(Outcome::Ok)));
        assert_eq!(desk.cursor().await.as_deref(), Some("3"));
        assert_eq!(desk.heard().await, ["before", "after"]);
    }

    async fn a_session_that_lost_its_lease_stores_nothing_and_moves_no_cursor(db) {
        let desk = desk(db).await;
        db.clock.advance(TimeDelta::seconds(11));
        let tx = desk.app.store.begin_global("test.lease").await.unwrap();
        let other = NodeId::new(tx.now());
        let until = tx.now() + TimeDelta::seconds(10);
        let taken = leases::take_inbox(&tx, desk.inbox.id, other, until).await.unwrap();
        assert!(desk.app.commit(tx, taken).await.unwrap().is_some());
        let ended = desk.deliver(&["before"]).await;
        assert!(matches!(ended, Ended::LeaseLost));
        assert_eq!(desk.cursor().await, None);
        assert!(desk.heard().await.is_empty());
        assert_eq!(deliveries::unrouted_count(&desk.app.read()).await.unwrap(), 0);
    }

    async fn a_stream_that_comes_and_goes_says_nothing_about_the_account(db) {
        let desk = desk(db).await;
        let health = |live: bool| Output::Health { live, note: "no live stream".into() };
        let over = || Output::Ended(Outcome::Ok);
        desk.run(Script(vec![health(false), over()], Cursor(String::new()))).await;
        let inbox = desk.stored().await;
        assert_eq!((inbox.problem, inbox.session_problem.as_deref()), (None, Some("no live stream")));
        // A check that finds the account well does not say that the stream is.
        desk.heard().await;
        assert!(desk.stored().await.session_problem.is_some());
        inboxes::credentials_died(&desk.app, &desk.inbox, "revoked".into()).await.unwrap();
        desk.run(Script(vec![health(true), over()], Cursor(String::new()))).await;
        let inbox = desk.stored().await;
        assert_eq!((inbox.state, inbox.problem.as_deref()), (InboxState::NeedsReconnect, Some("revoked")));
        assert_eq!(inbox.session_problem, None);
    }
}
