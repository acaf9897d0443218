//! The signer agrees with the vector that Standard Webhooks publishes (MIT).

use support::webhook::Signer;

#[test]
fn the_signature_is_the_published_one() -> anyhow::Result<()> {
    let signer = Signer::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    let body = br#"{"test": 2432232314}"#;
    let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)?;
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    Ok(())
}
