//! Coming back from a provider's consent page: once, in time, by the administrator who left.

use crate::peer::{Answer, Peer};
use crate::world::{World, code};
use app::Reader;
use app::inboxes::oauth::{self, Callback};
use app::inboxes::{self, Connecting, NewInbox};
use domain::inbox::InboxState;
use domain::people::Role;
use domain::permission::Actor;
use serde_json::json;
use store::for_each_backend;
use url::Url;

fn instance(peer: &Peer) {
    let client = json!({ "client_id": "c1", "client_secret": "s1" });
    peer.script("POST /api/v1/apps", [Answer::Json(200, client)]);
    let token = || Answer::Json(200, json!({ "access_token": "t1" }));
    peer.script("POST /oauth/token", [token(), token()]);
    let account = || Answer::Json(200, json!({ "id": "7", "acct": "moa", "username": "moa" }));
    let asked = "GET /api/v1/accounts/verify_credentials";
    peer.script(asked, [account(), account(), account(), account()]);
    let empty = || Answer::Json(200, json!([]));
    peer.script("GET /api/v1/notifications", [empty(), empty()]);
}

/// Leaves for the consent page; answers the `state` that page would send back.
async fn leave(world: &World<'_>, actor: &Actor, peer: &Peer) -> String {
    let reader = Reader::new(world.handle(), actor.clone());
    let new = NewInbox {
        channel: "mastodon".into(),
        name: "Moa".into(),
        queue_id: reader.queues().await.unwrap()[0].id,
        provider_app_id: None,
        settings: json!({ "base_url": peer.url() }),
        secrets: None,
    };
    let left = inboxes::connect(&world.app, actor, new).await.unwrap();
    let Connecting::Authorize { url } = left else {
        panic!("a consent page comes first")
    };
    let url = Url::parse(&url).unwrap();
    assert_eq!(url.path(), "/oauth/authorize");
    let state = url.query_pairs().find(|(name, _)| name == "state");
    state.unwrap().1.into_owned()
}

fn back(state: &str) -> Callback {
    Callback {
        state: state.to_owned(),
        code: Some("code".into()),
        error: None,
    }
}

for_each_backend! {
    async fn the_person_who_comes_back_has_connected_the_account_once(db) {
        let peer = Peer::start().await;
        let world = World::new(db).await;
        instance(&peer);
        let state = leave(&world, world.actor(), &peer).await;
        let result = oauth::finish(&world.app, "mastodon", back(&state)).await;
        let landing = oauth::landing(&result);
        let Ok(Connecting::Connected(inbox)) = result else { panic!("{landing}") };
        assert_eq!((inbox.state, inbox.account.as_str()), (InboxState::Connected, "7"));
        assert_eq!(landing, format!("/settings/inboxes?connected={}", inbox.id));
        let exchange = String::from_utf8(peer.asked("POST /oauth/token")[0].body.clone()).unwrap();
        assert!(exchange.contains("code_verifier=") && exchange.contains("client_secret=s1"));
        let again = oauth::finish(&world.app, "mastodon", back(&state)).await;
        assert_eq!(oauth::landing(&again), "/settings/inboxes?problem=EXPIRED");
        assert_eq!(peer.asked("POST /oauth/token").len(), 1);
    }

    async fn a_state_that_is_forged_late_or_of_another_channel_opens_nothing(db) {
        let peer = Peer::start().await;
        let world = World::new(db).await;
        instance(&peer);
        for forged in ["", "nonsense", "00000000000000000000000000000000"] {
            assert_eq!(code(oauth::finish(&world.app, "mastodon", back(forged)).await), "EXPIRED");
        }
        let state = leave(&world, world.actor(), &peer).await;
        assert_eq!(code(oauth::finish(&world.app, "sandbox", back(&state)).await), "EXPIRED");
        let state = leave(&world, world.actor(), &peer).await;
        world.pass(10 * 60 + 1);
        assert_eq!(code(oauth::finish(&world.app, "mastodon", back(&state)).await), "EXPIRED");
        assert!(peer.asked("POST /oauth/token").is_empty());
        assert_eq!(peer.asked("POST /api/v1/apps").len(), 1, "the app registers itself once");
    }

    async fn who_said_no_or_lost_her_rights_meanwhile_connects_nothing(db) {
        let peer = Peer::start().await;
        let world = World::new(db).await;
        instance(&peer);
        let state = leave(&world, world.actor(), &peer).await;
        let no = Callback { code: None, error: Some("access_denied".into()), ..back(&state) };
        assert_eq!(code(oauth::finish(&world.app, "mastodon", no).await), "PROVIDER_REFUSED");
        let admin = app::testing::join(&world.app, world.actor(), "admin@example.com", Role::Admin).await;
        let state = leave(&world, &admin.actor, &peer).await;
        app::people::set_role(&world.app, world.actor(), admin.actor.user_id, Role::Agent)
            .await.unwrap();
        assert_eq!(code(oauth::finish(&world.app, "mastodon", back(&state)).await), "FORBIDDEN");
        assert!(peer.asked("POST /oauth/token").is_empty());
        let all = inboxes::list(&world.app, world.actor()).await.unwrap();
        assert_eq!(all.len(), 1, "the sandbox alone");
    }
}
