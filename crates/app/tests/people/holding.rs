//! What a member holds: tokens, passwords, keys, and the audit of it.

use super::desk::*;
use app::access::authenticate;
use app::api_tokens::{self, NewApiToken};
use app::auth::{self};
use app::bus::Revocation;
use app::testing::{OWNER, PASSWORD, client, join, mailed_token};
use app::{audit, password_change, people};
use chrono::TimeDelta;
use domain::people::{Role, TokenScope};
use domain::permission::Permission;
use secrecy::ExposeSecret;
use store::for_each_backend;

for_each_backend! {
    async fn a_token_does_what_its_scopes_and_its_members_role_allow(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Agent).await;
        let wanted = |scopes: &[TokenScope]| NewApiToken {
            name: "robot".into(),
            scopes: scopes.to_vec(),
            expires_at: Some(domain::Clock::now(&db.clock) + TimeDelta::days(1)),
        };
        let (token, key) = api_tokens::create(&app, &owner.actor, wanted(&[TokenScope::Read])).await.unwrap();
        let proof = authenticate(&app, key.expose_secret()).await.unwrap().unwrap();
        assert!(proof.actor.may(Permission::Read).is_ok());
        assert!(proof.actor.may(Permission::WorkTickets).is_err());
        assert_eq!(code(api_tokens::create(&app, &proof.actor, wanted(&[TokenScope::Admin])).await), "FORBIDDEN");
        let (_, hers) = api_tokens::create(&app, &mina.actor, wanted(&[TokenScope::Admin])).await.unwrap();
        let hers = authenticate(&app, hers.expose_secret()).await.unwrap().unwrap();
        assert!(hers.actor.may(Permission::Administer).is_err());
        assert_eq!(code(api_tokens::create(&app, &owner.actor, wanted(&[])).await), "INVALID");
        let listed = api_tokens::list(&app, &owner.actor).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert!(listed[0].last_used_at.is_some());
        let mut closed = app.bus.revocations();
        assert_eq!(code(api_tokens::revoke(&app, &mina.actor, token.id).await), "NOT_FOUND");
        api_tokens::revoke(&app, &owner.actor, token.id).await.unwrap();
        assert_eq!(closed.try_recv().unwrap(), Revocation::Token(token.id));
        assert!(authenticate(&app, key.expose_secret()).await.unwrap().is_none());
    }

    async fn a_token_ends_at_its_time(db) {
        let (app, owner) = start(db).await;
        let wanted = NewApiToken {
            name: "robot".into(),
            scopes: vec![TokenScope::Read],
            expires_at: Some(domain::Clock::now(&db.clock) + TimeDelta::seconds(3)),
        };
        let (_, key) = api_tokens::create(&app, &owner.actor, wanted).await.unwrap();
        assert!(authenticate(&app, key.expose_secret()).await.unwrap().is_some());
        db.clock.advance(TimeDelta::seconds(3));
        assert!(authenticate(&app, key.expose_secret()).await.unwrap().is_none());
    }

    async fn a_revocation_that_no_hint_announced_is_noticed_within_seconds(db) {
        let (app, owner) = start(db).await;
        let other_node = app::testing::app_on(&app, db.reopen().await).await;
        assert!(is_valid(&other_node, &owner).await);
        auth::sign_out(&app, &owner.actor).await.unwrap();
        assert!(is_valid(&other_node, &owner).await, "nobody told it");
        db.clock.advance(TimeDelta::seconds(5));
        assert!(!is_valid(&other_node, &owner).await);
    }

    async fn a_reset_never_tells_whether_the_address_exists(db) {
        let (app, owner) = start(db).await;
        let from = client("192.0.2.9");
        password_change::request(&app, &from, OWNER).await.unwrap();
        password_change::request(&app, &from, "nobody@example.com").await.unwrap();
        for email in [OWNER, "nobody@example.com"] {
            for _ in 0..4 {
                password_change::request(&app, &from, email).await.unwrap();
            }
            assert_eq!(code(password_change::request(&app, &from, email).await), "RATE_LIMITED");
        }
        let _ = mailed_token(&app, owner.actor.tenant_id).await;
    }

    async fn a_reset_sets_the_password_once_and_ends_every_session(db) {
        let (app, owner) = start(db).await;
        let from = client("192.0.2.9");
        password_change::request(&app, &from, OWNER).await.unwrap();
        let token = mailed_token(&app, owner.actor.tenant_id).await;
        let reset = |token: &str, password: &str| {
            let (app, token, password) = (app.app.clone(), token.to_owned(), secret(password));
            async move { password_change::reset(&app, &client("192.0.2.9"), &token, password).await }
        };
        assert_eq!(code(reset(&token, "short").await), "INVALID");
        reset(&token, NEW_PASSWORD).await.unwrap();
        assert_eq!(code(reset(&token, PASSWORD).await), "EXPIRED");
        assert!(!is_valid(&app, &owner).await);
        assert_eq!(code(sign_in(&app, OWNER, PASSWORD).await), "WRONG_PASSWORD");
        sign_in(&app, OWNER, NEW_PASSWORD).await.unwrap();
        password_change::request(&app, &from, OWNER).await.unwrap();
        let late = mailed_token(&app, owner.actor.tenant_id).await;
        db.clock.advance(TimeDelta::hours(1));
        assert_eq!(code(reset(&late, PASSWORD).await), "EXPIRED");
    }

    async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions(db) {
        let (app, owner) = start(db).await;
        let phone = sign_in(&app, OWNER, PASSWORD).await.unwrap();
        let change = |current: &str| {
            let (app, actor, current) = (app.app.clone(), owner.actor.clone(), secret(current));
            async move { password_change::change(&app, &actor, current, secret(NEW_PASSWORD)).await }
        };
        assert_eq!(code(change("wrong").await), "WRONG_PASSWORD");
        change(PASSWORD).await.unwrap();
        assert!(is_valid(&app, &owner).await);
        assert!(!is_valid(&app, &phone).await);
        sign_in(&app, OWNER, NEW_PASSWORD).await.unwrap();
    }

    async fn the_audit_names_what_was_done_from_where_newest_first(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Agent).await;
        people::set_role(&app, &owner.actor, mina.actor.user_id, Role::Supervisor).await.unwrap();
        let entries = audit::list(&app, &owner.actor, None, 2).await.unwrap();
        assert_eq!(entries[0].action, "member.role");
        assert_eq!(entries[0].ip, "192.0.2.1");
        assert_eq!(entries[0].detail["to"], "supervisor");
        let older = audit::list(&app, &owner.actor, Some(entries[1].id), 100).await.unwrap();
        let older: Vec<_> = older.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(older, ["invitation.accept", "invitation.create", "session.start", "tenant.setup"]);
        assert_eq!(code(audit::list(&app, &mina.actor, None, 10).await), "FORBIDDEN");
    }

    async fn signing_keys_rotate_without_signing_anybody_out(db) {
        let (app, owner) = start(db).await;
        app::access::rotate_keys(&app).await.unwrap();
        assert!(is_valid(&app, &owner).await);
        let next = refresh(&app, &owner.refresh).await.unwrap();
        assert!(is_valid(&app, &next).await);
        let other_node = app::testing::app_on(&app, db.reopen().await).await;
        assert!(is_valid(&other_node, &next).await);
        app::access::rotate_keys(&app).await.unwrap();
        let newest = refresh(&app, &next.refresh).await.unwrap();
        db.clock.advance(TimeDelta::seconds(2));
        assert!(is_valid(&other_node, &newest).await, "an unknown key is looked up");
    }
}
