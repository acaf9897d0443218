//! Set-up, sign-in, sessions, invitations and roles.

use super::desk::*;
use app::access::{authenticate, still_holds};
use app::api_tokens::{self, NewApiToken};
use app::auth::{self};
use app::testing::{OWNER, PASSWORD, client, join, mailed_token};
use app::{invitations, people, setup, throttle};
use chrono::TimeDelta;
use domain::people::{Role, TokenScope};
use domain::permission::Credential;
use secrecy::ExposeSecret;
use store::for_each_backend;

for_each_backend! {
    async fn of_many_set_ups_at_once_exactly_one_happens(db) {
        let app = app::testing::app(db).await;
        let input = |n: usize| setup::Setup {
            tenant: format!("Echo {n}"),
            email: format!("owner{n}@example.com"),
            name: "Olivia".into(),
            password: secret(PASSWORD),
            locale: Some("ko".into()),
            time_zone: Some("Asia/Seoul".into()),
        };
        let runs: Vec<_> = (0..4)
            .map(|n| {
                let app = app.app.clone();
                let input = input(n);
                tokio::spawn(async move { setup::run(&app, &client("192.0.2.1"), input).await })
            })
            .collect();
        let mut winners = Vec::new();
        for run in runs {
            match run.await.unwrap() {
                Ok(signed_in) => winners.push(signed_in),
                refused => assert_eq!(code(refused), "ALREADY_TAKEN"),
            }
        }
        assert_eq!(winners.len(), 1);
        assert!(!setup::is_needed(&app).await.unwrap());
        let owner = &winners[0].actor;
        assert_eq!(owner.role, Role::Owner);
        let queues = store::queries::queues::all(&app.read(), owner.tenant_id).await.unwrap();
        assert_eq!(queues.len(), 1);
        assert_eq!(queues[0].members[0].user_id, owner.user_id);
        let state = store::routing::agent_state(&app.read(), owner.tenant_id, owner.user_id).await;
        assert!(state.unwrap().is_some());
    }

    async fn only_the_right_password_opens_and_unknown_people_look_the_same(db) {
        let (app, owner) = start(db).await;
        let wrong = sign_in(&app, OWNER, "not the password").await.unwrap_err().to_string();
        let unknown = sign_in(&app, MINA, PASSWORD).await.unwrap_err().to_string();
        assert_eq!(wrong, unknown);
        let signed_in = sign_in(&app, "  Owner@Example.com ", PASSWORD).await.unwrap();
        assert_eq!(signed_in.actor.user_id, owner.actor.user_id);
        assert!(is_valid(&app, &signed_in).await);
    }

    async fn guesses_at_an_address_get_slower_and_the_right_password_waits_too(db) {
        let (app, _) = start(db).await;
        for _ in 0..5 {
            assert_eq!(code(sign_in(&app, OWNER, "guess").await), "WRONG_PASSWORD");
        }
        assert_eq!(code(sign_in(&app, OWNER, PASSWORD).await), "RATE_LIMITED");
        db.clock.advance(TimeDelta::seconds(1));
        assert_eq!(code(sign_in(&app, OWNER, "guess").await), "WRONG_PASSWORD");
        db.clock.advance(TimeDelta::seconds(1));
        assert_eq!(code(sign_in(&app, OWNER, PASSWORD).await), "RATE_LIMITED");
        db.clock.advance(TimeDelta::seconds(1));
        sign_in(&app, OWNER, PASSWORD).await.unwrap();
        // The slate is clean: five more guesses are free.
        assert_eq!(code(sign_in(&app, OWNER, "guess").await), "WRONG_PASSWORD");
        sign_in(&app, OWNER, PASSWORD).await.unwrap();
    }

    async fn unknown_addresses_are_throttled_like_known_ones(db) {
        let (app, _) = start(db).await;
        for _ in 0..5 {
            assert_eq!(code(sign_in(&app, "nobody@example.com", "guess").await), "WRONG_PASSWORD");
        }
        assert_eq!(code(sign_in(&app, "nobody@example.com", "guess").await), "RATE_LIMITED");
    }

    async fn one_peer_cannot_try_many_addresses(db) {
        let (app, _) = start(db).await;
        let attacker = client("203.0.113.66");
        let mut refused = 0;
        for n in 0..60 {
            let email = format!("person{n}@example.com");
            let result = auth::sign_in(&app, &attacker, &email, secret("guess")).await;
            refused += usize::from(code(result) == "RATE_LIMITED");
        }
        assert!(refused >= 9, "{refused} of 60");
        sign_in(&app, OWNER, PASSWORD).await.unwrap();
    }

    async fn parallel_guesses_are_all_counted(db) {
        let (app, _) = start(db).await;
        let guesses: Vec<_> = (0..12)
            .map(|_| {
                let app = app.app.clone();
                tokio::spawn(async move { code(sign_in(&app, OWNER, "guess").await) })
            })
            .collect();
        let mut checked = 0;
        for guess in guesses {
            checked += usize::from(guess.await.unwrap() == "WRONG_PASSWORD");
        }
        assert_eq!(checked, 5);
    }

    async fn old_failures_are_forgotten(db) {
        let (app, _) = start(db).await;
        for _ in 0..4 {
            assert_eq!(code(sign_in(&app, MINA, "guess").await), "WRONG_PASSWORD");
        }
        db.clock.advance(TimeDelta::hours(13));
        for _ in 0..5 {
            assert_eq!(code(sign_in(&app, MINA, "guess").await), "WRONG_PASSWORD");
        }
        db.clock.advance(TimeDelta::hours(13));
        assert!(throttle::forget_old(&app).await.unwrap() >= 2);
    }

    async fn a_refresh_token_rotates_and_its_session_lives_on(db) {
        let (app, owner) = start(db).await;
        let mut token = owner.refresh.clone();
        for _ in 0..3 {
            db.clock.advance(TimeDelta::minutes(14));
            let next = refresh(&app, &token).await.unwrap();
            assert_ne!(next.refresh.expose_secret(), token.expose_secret());
            assert_eq!(next.actor.credential, owner.actor.credential);
            assert!(is_valid(&app, &next).await);
            token = next.refresh;
        }
        assert!(!is_valid(&app, &owner).await, "access tokens end by themselves");
    }

    async fn two_tabs_with_one_cookie_get_the_same_next_token(db) {
        let (app, owner) = start(db).await;
        let first = refresh(&app, &owner.refresh).await.unwrap();
        db.clock.advance(TimeDelta::seconds(10));
        let second = refresh(&app, &owner.refresh).await.unwrap();
        assert_eq!(first.refresh.expose_secret(), second.refresh.expose_secret());
        refresh(&app, &second.refresh).await.unwrap();
    }

    async fn racing_refreshes_end_with_one_living_token(db) {
        let (app, owner) = start(db).await;
        let racers: Vec<_> = (0..6)
            .map(|_| {
                let (app, token) = (app.app.clone(), owner.refresh.clone());
                tokio::spawn(async move { refresh(&app, &token).await.unwrap() })
            })
            .collect();
        let mut tokens = std::collections::BTreeSet::new();
        for racer in racers {
            tokens.insert(racer.await.unwrap().refresh.expose_secret().to_owned());
        }
        assert_eq!(tokens.len(), 1);
    }

    async fn a_token_used_again_after_the_grace_ends_the_session(db) {
        let (app, owner) = start(db).await;
        let next = refresh(&app, &owner.refresh).await.unwrap();
        let mut closed = app.bus.revocations();
        db.clock.advance(TimeDelta::milliseconds(10_001));
        assert_eq!(code(refresh(&app, &owner.refresh).await), "EXPIRED");
        assert!(closed.try_recv().unwrap().ends(&owner.actor));
        assert_eq!(code(refresh(&app, &next.refresh).await), "EXPIRED");
        assert!(!is_valid(&app, &next).await);
        let again = sign_in(&app, OWNER, PASSWORD).await.unwrap();
        assert!(actions(&app, &again).await.contains(&"session.refresh_reused".to_owned()));
    }

    async fn a_long_rotated_token_is_recognised_as_stolen(db) {
        let (app, owner) = start(db).await;
        let second = refresh(&app, &owner.refresh).await.unwrap();
        let third = refresh(&app, &second.refresh).await.unwrap();
        assert_eq!(code(refresh(&app, &owner.refresh).await), "EXPIRED");
        assert_eq!(code(refresh(&app, &third.refresh).await), "EXPIRED");
    }

    async fn a_made_up_token_for_a_known_session_revokes_nothing(db) {
        let (app, owner) = start(db).await;
        let Credential::Session(session) = owner.actor.credential else { panic!() };
        let opaque = || app::tokens::Opaque::Refresh.generate().text;
        let forged = format!("{session}.{}.{}", opaque().expose_secret(), opaque().expose_secret());
        assert_eq!(code(refresh(&app, &secret(&forged)).await), "EXPIRED");
        refresh(&app, &owner.refresh).await.unwrap();
    }

    async fn an_idle_session_ends_and_a_busy_one_ends_later(db) {
        let (app, owner) = start(db).await;
        let mut token = owner.refresh.clone();
        for _ in 0..6 {
            db.clock.advance(TimeDelta::days(29));
            token = refresh(&app, &token).await.unwrap().refresh;
        }
        db.clock.advance(TimeDelta::days(29));
        assert_eq!(code(refresh(&app, &token).await), "EXPIRED");
        let idle = sign_in(&app, OWNER, PASSWORD).await.unwrap();
        db.clock.advance(TimeDelta::days(31));
        assert_eq!(code(refresh(&app, &idle.refresh).await), "EXPIRED");
    }

    async fn signing_out_ends_the_session_at_once(db) {
        let (app, owner) = start(db).await;
        assert!(is_valid(&app, &owner).await);
        let mut closed = app.bus.revocations();
        auth::sign_out(&app, &owner.actor).await.unwrap();
        assert!(!is_valid(&app, &owner).await);
        assert!(!still_holds(&app, &owner.actor).await.unwrap());
        assert!(closed.try_recv().unwrap().ends(&owner.actor));
        assert_eq!(code(refresh(&app, &owner.refresh).await), "EXPIRED");
    }

    async fn people_see_and_end_only_their_own_sessions(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Agent).await;
        let Credential::Session(hers) = mina.actor.credential else { panic!() };
        assert_eq!(auth::list_sessions(&app, &owner.actor).await.unwrap().len(), 1);
        assert_eq!(code(auth::revoke_session(&app, &owner.actor, hers).await), "NOT_FOUND");
        assert!(is_valid(&app, &mina).await);
        let phone = sign_in(&app, MINA, PASSWORD).await.unwrap();
        auth::revoke_session(&app, &phone.actor, hers).await.unwrap();
        assert!(!is_valid(&app, &mina).await);
        assert!(is_valid(&app, &phone).await);
    }

    async fn an_invited_stranger_joins_with_the_invited_role(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Supervisor).await;
        assert_eq!(mina.actor.role, Role::Supervisor);
        assert_eq!(mina.actor.tenant_id, owner.actor.tenant_id);
        sign_in(&app, MINA, PASSWORD).await.unwrap();
        let members = people::list(&app, &mina.actor).await.unwrap();
        assert_eq!(members.len(), 2);
        assert_eq!(code(invitations::invite(&app, &owner.actor, MINA, Role::Agent).await), "ALREADY_TAKEN");
    }

    async fn an_invitation_opens_once_and_not_after_its_time_or_revocation(db) {
        let (app, owner) = start(db).await;
        let accept = |token: String| {
            let app = app.app.clone();
            async move {
                invitations::accept(&app, &client("192.0.2.9"), &token, "Mina", secret(PASSWORD)).await
            }
        };
        let tenant = owner.actor.tenant_id;
        invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        let replaced = mailed_token(&app, tenant).await;
        let second = invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        let revoked = mailed_token(&app, tenant).await;
        assert_eq!(code(accept(replaced).await), "EXPIRED");
        invitations::revoke(&app, &owner.actor, second.id).await.unwrap();
        assert_eq!(code(accept(revoked).await), "EXPIRED");
        invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        let late = mailed_token(&app, tenant).await;
        db.clock.advance(TimeDelta::days(7));
        assert_eq!(code(accept(late).await), "EXPIRED");
        let owner = sign_in(&app, OWNER, PASSWORD).await.unwrap();
        invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        let good = mailed_token(&app, tenant).await;
        accept(good.clone()).await.unwrap();
        assert_eq!(code(accept(good).await), "EXPIRED");
        assert_eq!(code(accept("mei_nonsense".to_owned()).await), "EXPIRED");
    }

    async fn the_invitation_token_is_stored_nowhere_in_the_clear(db) {
        let (app, owner) = start(db).await;
        invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        let tx = app.begin(owner.actor.tenant_id, "test").await.unwrap();
        let jobs = store::jobs::claim(&tx, store::jobs::Which::All, app.config.node, 10, tx.now()).await.unwrap();
        let stored = format!("{:?}", jobs.iter().map(|job| &job.job).collect::<Vec<_>>());
        assert!(stored.contains("v1:") && !stored.contains("mei_"), "{stored}");
    }

    async fn the_worker_mails_the_invitation_and_nothing_once_it_is_over(db) {
        let (app, owner) = start(db).await;
        invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        app::jobs::run_due(&app).await.unwrap();
        let mails = app.outbox.take();
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].to, MINA);
        assert!(mails[0].text.contains("https://desk.example.com/invitation#mei_"));
        let second = invitations::invite(&app, &owner.actor, MINA, Role::Agent).await.unwrap();
        invitations::revoke(&app, &owner.actor, second.id).await.unwrap();
        app::jobs::run_due(&app).await.unwrap();
        assert!(app.outbox.take().is_empty());
        assert_eq!(store::jobs::next_due(&app.read()).await.unwrap(), None);
    }

    async fn an_existing_person_joins_a_second_tenant_by_her_own_password(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Agent).await;
        let other = app::testing::second_tenant(&app, "boss@example.com").await;
        invitations::invite(&app, &other.actor, MINA, Role::Supervisor).await.unwrap();
        let token = mailed_token(&app, other.actor.tenant_id).await;
        let from = client("192.0.2.9");
        let wrong = invitations::accept(&app, &from, &token, "Mina", secret(NEW_PASSWORD)).await;
        assert_eq!(code(wrong), "WRONG_PASSWORD");
        let there = invitations::accept(&app, &from, &token, "Other", secret(PASSWORD)).await.unwrap();
        assert_eq!(there.actor.user_id, mina.actor.user_id);
        assert_eq!(there.actor.role, Role::Supervisor);
        assert_eq!(people::viewer(&app, &there.actor).await.unwrap().tenants.len(), 2);
        // The old session still stands in the first tenant and may move.
        let (moved, actor) = auth::switch_tenant(&app, &mina.actor, other.actor.tenant_id).await.unwrap();
        assert_eq!(actor.role, Role::Supervisor);
        let proof = authenticate(&app, moved.token.expose_secret()).await.unwrap().unwrap();
        assert_eq!(proof.actor, actor);
        let refused = auth::switch_tenant(&app, &owner.actor, other.actor.tenant_id).await;
        assert_eq!(code(refused), "NOT_FOUND");
    }

    async fn only_owners_touch_admins_and_owners(db) {
        let (app, owner) = start(db).await;
        let admin = join(&app, &owner.actor, "admin@example.com", Role::Admin).await;
        let mina = join(&app, &owner.actor, MINA, Role::Agent).await;
        let (admin, mina, owner_id) = (admin.actor, mina.actor.user_id, owner.actor.user_id);
        assert_eq!(code(people::set_role(&app, &admin, mina, Role::Admin).await), "FORBIDDEN");
        assert_eq!(code(people::set_role(&app, &admin, owner_id, Role::Agent).await), "FORBIDDEN");
        assert_eq!(code(people::remove(&app, &admin, owner_id).await), "FORBIDDEN");
        assert_eq!(code(invitations::invite(&app, &admin, "x@example.com", Role::Owner).await), "FORBIDDEN");
        people::set_role(&app, &admin, mina, Role::Supervisor).await.unwrap();
        people::set_role(&app, &owner.actor, mina, Role::Admin).await.unwrap();
        people::remove(&app, &owner.actor, mina).await.unwrap();
    }

    async fn a_tenant_always_keeps_an_owner_even_when_two_leave_at_once(db) {
        let (app, owner) = start(db).await;
        let me = owner.actor.user_id;
        assert_eq!(code(people::set_role(&app, &owner.actor, me, Role::Agent).await), "LAST_OWNER");
        assert_eq!(code(people::remove(&app, &owner.actor, me).await), "LAST_OWNER");
        let second = join(&app, &owner.actor, MINA, Role::Owner).await;
        let leave = |actor: domain::permission::Actor| {
            let app = app.app.clone();
            tokio::spawn(async move { people::set_role(&app, &actor, actor.user_id, Role::Admin).await })
        };
        let (one, two) = (leave(owner.actor.clone()), leave(second.actor.clone()));
        let left = [one.await.unwrap().is_ok(), two.await.unwrap().is_ok()];
        assert_eq!(left.iter().filter(|left| **left).count(), 1);
    }

    async fn a_changed_role_counts_at_once_for_old_tokens(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Supervisor).await;
        assert!(is_valid(&app, &mina).await);
        people::set_role(&app, &owner.actor, mina.actor.user_id, Role::Agent).await.unwrap();
        let token = mina.access.token.expose_secret();
        let proof = authenticate(&app, token).await.unwrap().unwrap();
        assert_eq!(proof.actor.role, Role::Agent);
        assert!(!still_holds(&app, &mina.actor).await.unwrap());
    }

    async fn removing_a_member_ends_everything_she_holds_there(db) {
        let (app, owner) = start(db).await;
        let mina = join(&app, &owner.actor, MINA, Role::Agent).await;
        let wanted = NewApiToken { name: "robot".into(), scopes: vec![TokenScope::Read], expires_at: None };
        let (_, key) = api_tokens::create(&app, &mina.actor, wanted).await.unwrap();
        assert!(authenticate(&app, key.expose_secret()).await.unwrap().is_some());
        let mut closed = app.bus.revocations();
        people::remove(&app, &owner.actor, mina.actor.user_id).await.unwrap();
        assert!(closed.try_recv().unwrap().ends(&mina.actor));
        assert!(!is_valid(&app, &mina).await);
        assert!(authenticate(&app, key.expose_secret()).await.unwrap().is_none());
        assert_eq!(code(refresh(&app, &mina.refresh).await), "EXPIRED");
        assert_eq!(code(sign_in(&app, MINA, PASSWORD).await), "NO_MEMBERSHIP");
        let back = join(&app, &owner.actor, MINA, Role::Agent).await;
        assert!(is_valid(&app, &back).await);
    }
}
