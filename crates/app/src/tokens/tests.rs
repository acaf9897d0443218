//! Promises of access tokens: signed, short-lived, refused once a key is gone.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const ISSUER: &str = "https://desk.example";

fn now() -> Time {
    domain::clock::from_micros(1_790_000_000_000_000)
}

fn ring() -> KeyRing {
    KeyRing::new(ISSUER, vec![JwtKey::random(now())])
}

fn issue_at(ring: &KeyRing, at: Time) -> String {
    let token = ring
        .issue(
            UserId::new(at),
            TenantId::new(at),
            SessionId::new(at),
            Role::Agent,
            at,
        )
        .unwrap()
        .token;
    token.expose_secret().to_owned()
}

fn same_key(key: &JwtKey) -> JwtKey {
    JwtKey::from_row(
        key.kid.clone(),
        key.secret(),
        key.created_at,
        key.retired_at,
    )
    .unwrap()
}

/// A token with free claims and header, signed with the ring's key.
fn forge(ring: &KeyRing, header: &Header, claims: &serde_json::Value) -> String {
    let key = EncodingKey::from_secret(ring.keys[0].secret());
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

fn claims(changes: serde_json::Value) -> serde_json::Value {
    let mut claims = serde_json::json!({
        "sub": UserId::new(now()), "tid": TenantId::new(now()), "sid": SessionId::new(now()),
        "role": "agent", "iat": now().timestamp(), "exp": now().timestamp() + 60,
        "iss": ISSUER, "aud": "meari",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn header(ring: &KeyRing) -> Header {
    Header {
        kid: Some(ring.keys[0].kid.clone()),
        ..Header::new(Algorithm::HS256)
    }
}

#[test]
fn an_issued_token_verifies_until_it_expires() {
    let ring = ring();
    let user = UserId::new(now());
    let (tenant, session) = (TenantId::new(now()), SessionId::new(now()));
    let issued = ring
        .issue(user, tenant, session, Role::Admin, now())
        .unwrap();
    assert!(!format!("{issued:?}").contains("eyJ"));
    let token = issued.token.expose_secret();
    let access = ring.verify(token, now()).unwrap();
    assert_eq!(
        (access.user, access.tenant, access.session, access.role),
        (user, tenant, session, Role::Admin)
    );
    assert_eq!(access.expires_at, issued.expires_at);
    let last = now() + ACCESS_TTL + LEEWAY;
    assert!(ring.verify(token, last - TimeDelta::seconds(1)).is_ok());
    assert_eq!(ring.verify(token, last), Err(TokenError::Expired));
}

#[test]
fn unsigned_and_foreign_algorithms_are_refused() {
    let ring = ring();
    let body = URL_SAFE_NO_PAD.encode(claims(serde_json::json!({})).to_string());
    for alg in ["none", "None", "HS256"] {
        let kid = &ring.keys[0].kid;
        let head = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","kid":"{kid}"}}"#));
        for token in [format!("{head}.{body}."), format!("{head}.{body}")] {
            assert_eq!(ring.verify(&token, now()), Err(TokenError::Invalid));
        }
    }
    let stronger = Header {
        alg: Algorithm::HS512,
        ..header(&ring)
    };
    let token = forge(&ring, &stronger, &claims(serde_json::json!({})));
    assert_eq!(ring.verify(&token, now()), Err(TokenError::Invalid));
}

#[test]
fn a_token_without_our_key_id_is_refused() {
    let ring = ring();
    for kid in [None, Some("unknown".to_owned())] {
        let token = forge(
            &ring,
            &Header {
                kid,
                ..header(&ring)
            },
            &claims(serde_json::json!({})),
        );
        assert_eq!(ring.verify(&token, now()), Err(TokenError::Invalid));
    }
    assert!(ring.verify(&issue_at(&self::ring(), now()), now()).is_err());
}

#[test]
fn wrong_issuer_audience_and_times_are_refused() {
    let ring = ring();
    let at = now().timestamp();
    let good = forge(&ring, &header(&ring), &claims(serde_json::json!({})));
    assert!(ring.verify(&good, now()).is_ok());
    for change in [
        serde_json::json!({"iss": "https://elsewhere.example"}),
        serde_json::json!({"aud": "other"}),
        serde_json::json!({"iat": at + 60}),
        serde_json::json!({"exp": at + 86_400}),
        serde_json::json!({"exp": i64::MAX}),
        serde_json::json!({"exp": -1, "iat": -2}),
        serde_json::json!({"sub": "usr_nonsense"}),
        serde_json::json!({"role": "emperor"}),
    ] {
        let token = forge(&ring, &header(&ring), &claims(change.clone()));
        assert_eq!(
            ring.verify(&token, now()),
            Err(TokenError::Invalid),
            "{change}"
        );
    }
}

#[test]
fn a_token_altered_in_any_part_is_refused() {
    let ring = ring();
    let token = issue_at(&ring, now());
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        // Flips a high bit of the base64 digit: the last digit's low bits are padding.
        bytes[at] = match bytes[at] {
            b'.' => b'_',
            b'a'..=b'z' => bytes[at] - 32,
            b'A'..=b'Z' => bytes[at] + 32,
            _ => b'x',
        };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(ring.verify(&altered, now()).is_err(), "at {at}");
    }
    assert!(ring.verify(&"a".repeat(1 << 20), now()).is_err());
    assert!(ring.verify("", now()).is_err());
}

#[test]
fn after_rotation_the_newest_key_signs_and_old_tokens_live_out_their_time() {
    let old = JwtKey::random(now());
    let before = KeyRing::new(ISSUER, vec![same_key(&old)]);
    let token = issue_at(&before, now());

    let rotated_at = now() + TimeDelta::minutes(1);
    let new = JwtKey::random(rotated_at);
    let retired = JwtKey {
        retired_at: Some(rotated_at),
        ..same_key(&old)
    };
    let after = KeyRing::new(ISSUER, vec![retired, same_key(&new)]);
    assert!(after.verify(&token, rotated_at).is_ok());
    let fresh = issue_at(&after, rotated_at);
    let kid = jsonwebtoken::decode_header(&fresh).unwrap().kid;
    assert_eq!(kid, Some(new.kid));
    // A retired key that leaked cannot make tokens for later.
    let late = rotated_at + ACCESS_TTL + LEEWAY;
    let leaked = issue_at(&before, late);
    assert_eq!(after.verify(&leaked, late), Err(TokenError::Invalid));
}

#[test]
fn a_ring_without_a_living_key_signs_nothing() {
    let mut key = JwtKey::random(now());
    key.retired_at = Some(now());
    let ring = KeyRing::new(ISSUER, vec![key]);
    let refused = ring.issue(
        UserId::new(now()),
        TenantId::new(now()),
        SessionId::new(now()),
        Role::Agent,
        now(),
    );
    assert_eq!(refused.err(), Some(TokenError::NoKey));
}

#[test]
fn an_opaque_token_is_found_by_its_hash_and_never_shown() {
    let new = Opaque::Api.generate();
    let text = new.text.expose_secret();
    assert!(text.starts_with("mea_"));
    assert_eq!(Opaque::Api.hash(text), Ok(new.hash.clone()));
    assert!(!new.hash.contains(text) && !format!("{new:?}").contains(text));
    assert_ne!(Opaque::Api.generate().hash, new.hash);
}

#[test]
fn mistyped_cut_and_foreign_opaque_tokens_are_refused() {
    let new = Opaque::Refresh.generate();
    let text = new.text.expose_secret();
    for kind in [Opaque::Api, Opaque::Invitation, Opaque::PasswordReset] {
        assert!(kind.hash(text).is_err(), "{kind:?}");
    }
    assert!(Opaque::Api.hash(&text.replacen("mer_", "mea_", 1)).is_err());
    for at in 4..text.len() {
        assert!(Opaque::Refresh.hash(&text[..at]).is_err());
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let altered = String::from_utf8(bytes).unwrap();
        assert!(Opaque::Refresh.hash(&altered).is_err(), "at {at}");
    }
    assert!(Opaque::Refresh.hash("mer_산울림").is_err());
}
