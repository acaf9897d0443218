//! What mails say, and what is said back: the fixtures' facts, answers and refusals.

use super::{CHANNEL, send, thread};
use crate::action::{Action, Connect, Mail, Outcome, Outgoing, Protection, Response, Step, Target};
use crate::inbound::{Inbound, InboundMessage, Part, Peer, Receipt, ReceiptState};
use crate::testing::{empty, inbox};
use crate::{Channel, Inbox, Upload};
use serde_json::json;

fn part(file: &str) -> Part {
    let path = format!("{}/src/email/fixtures/{file}.eml", env!("CARGO_MANIFEST_DIR"));
    Part {
        account: String::new(),
        lane: String::new(),
        dedupe: "d".into(),
        bytes: std::fs::read(path).expect("a fixture"),
    }
}

fn facts(file: &str) -> Vec<Inbound> {
    CHANNEL.parse(&inbox(&CHANNEL), &part(file)).expect("a mail")
}

fn message(file: &str) -> InboundMessage {
    match facts(file).into_iter().next() {
        Some(Inbound::Message(message)) => *message,
        other => panic!("{file}: {other:?}"),
    }
}

fn connected() -> Inbox {
    let mut inbox = inbox(&CHANNEL);
    inbox.secrets.set("reply_key", "reply-key");
    inbox
}

#[test]
fn every_charset_of_the_neighbourhood_is_read() {
    let korean = message("korean");
    assert_eq!(korean.subject.as_deref(), Some("주문 3017 배송 문의"));
    assert!(korean.text.contains("달항아리가 아직 안 왔어요"), "{}", korean.text);
    assert_eq!(korean.peer.name.as_deref(), Some("박민서"));
    assert_eq!(korean.peer.handle, "minseo@hanmail.example");
    let japanese = message("japanese");
    assert_eq!(japanese.text, "領収書を送ってください。");
    assert_eq!(japanese.subject.as_deref(), Some("領収書について"));
    let chinese = message("chinese");
    assert_eq!(chinese.text, "请问什么时候发货？𠮷野");
    assert_eq!(chinese.peer.name.as_deref(), Some("李雷"));
}

#[test]
fn html_is_read_and_made_safe_and_files_are_carried_along() {
    let mail = message("broken_jar");
    assert!(mail.text.starts_with("The jar is broken, see the picture:"), "{}", mail.text);
    let html = mail.html.expect("HTML");
    for bad in ["script", "onerror", "javascript", "<img", "style"] {
        assert!(!html.contains(bad), "{bad} in {html}");
    }
    let names: Vec<_> = mail.attachments.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["jar.png", "영수증.pdf", "Your receipt.eml"]);
    let part = part("broken_jar");
    let bytes = |n: usize| CHANNEL.carried(&part, &mail.attachments[n].media).expect("bytes");
    assert!(bytes(0).starts_with(b"\x89PNG"));
    assert_eq!(bytes(1), b"%PDF-1.4 tiny\n");
    assert!(bytes(2).starts_with(b"From: shop@pay.example"));
    assert_eq!(bytes(0).len() as u64, mail.attachments[0].size_bytes.unwrap());
    assert_eq!(CHANNEL.carried(&part, "x#99"), None);
    assert_eq!(CHANNEL.carrier(&mail.attachments[0].media), mail.attachments[1].media.split('#').next());
}

#[test]
fn an_answer_belongs_to_our_thread_and_to_our_message() {
    let mail = message("answer_with_another_subject");
    assert_eq!(mail.thread, "00112233aabbccdd");
    assert!(mail.quoted.expect("our id").starts_with("mr1."));
    // A mail that names nothing of ours begins a thread that its own followers share.
    let first = message("korean");
    let mut follower = part("korean");
    let head = b"Meari-Part: 1;-;0\r\nFrom: minseo@hanmail.example\r\nMessage-ID: <2@hanmail.example>\r\n\
        References: <20261121100000.3017@hanmail.example>\r\n\r\nAnd?";
    follower.bytes = head.to_vec();
    let facts = CHANNEL.parse(&inbox(&CHANNEL), &follower).expect("a mail");
    assert!(matches!(&facts[..], [Inbound::Message(next)] if next.thread == first.thread));
    assert_ne!(first.thread, message("japanese").thread);
}

#[test]
fn a_bounce_fails_the_message_it_is_about_and_says_why() {
    for (file, why) in [("bounce", "User unknown"), ("bounce_headers_only", "mailbox full")] {
        let [Inbound::Receipt { of: Receipt::Message { external_id }, state, problem, .. }] = &facts(file)[..] else {
            panic!("{:?}", facts(file))
        };
        assert_eq!(*state, ReceiptState::Failed);
        assert!(external_id.starts_with("mr1.00112233aabbccdd"));
        let problem = problem.as_deref().unwrap_or_default();
        assert!(problem.contains(why) && problem.contains("nobody@mail.example"), "{problem}");
    }
    assert!(facts("delayed").is_empty(), "a delay decides nothing");
    assert!(matches!(&facts("delivered")[..], [Inbound::Receipt { state: ReceiptState::Delivered, .. }]));
    assert!(matches!(&facts("backscatter")[..], [Inbound::Unknown { peer: None, .. }]));
}

#[test]
fn machines_are_told_from_people() {
    for (file, automatic) in [("away", true), ("newsletter", true), ("korean", false), ("broken_jar", false)] {
        assert_eq!(message(file).automatic, automatic, "{file}");
    }
}

#[test]
fn mails_in_our_own_name_are_a_form_our_own_copy_or_nobodys() {
    assert_eq!(message("website_form").peer.handle, "kim@daum.example");
    let copy = message("own_copy");
    assert!(copy.own_echo && copy.from_this_app == Some(true));
    assert!(matches!(&facts("claims_to_be_us")[..], [Inbound::Unknown { peer: None, .. }]));
}

#[test]
fn a_mail_without_ids_and_one_that_is_too_large_are_shown_all_the_same() {
    let bare = message("no_ids");
    assert!(bare.external_id.starts_with("sha256:") && bare.subject.is_none() && bare.at.is_none());
    assert!(message("too_large").text.contains("31 MB"));
}

fn outgoing(file: &str) -> Outgoing {
    let answered = message(file);
    Outgoing {
        client_id: "client-1".into(),
        peer: Peer { handle: answered.peer.handle.clone(), ..Peer::default() },
        thread: answered.thread.clone(),
        text: "We look into it.".into(),
        answering: Some(Target { external_id: answered.external_id, extra: answered.extra }),
        ..Outgoing::default()
    }
}

fn mail_of(inbox: &Inbox, out: Outgoing) -> Mail {
    match CHANNEL.perform(inbox, &Action::Send(Box::new(out)), &[]) {
        Step::Mail(submission) => submission.mail.expect("a mail"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_keeps_subject_copies_and_thread() {
    let mail = mail_of(&connected(), outgoing("japanese"));
    assert_eq!(mail.subject, "Re: 領収書について");
    assert_eq!(mail.to, "hana@nifty.example", "where the customer wants answers");
    assert_eq!(mail.cc, ["ken@nifty.example"]);
    assert_eq!(mail.in_reply_to.as_deref(), Some("jp-1@nifty.example"));
    assert_eq!(mail.references, ["jp-1@nifty.example"]);
    assert_eq!(mail.reply_to, None);
    let thread = thread::thread_of_id("reply-key", &mail.message_id);
    assert_eq!(thread, Some(message("japanese").thread));
}

#[test]
fn a_subject_gets_its_prefix_once() {
    let subject = |theirs: &str| {
        let mut out = outgoing("korean");
        if let Some(target) = &mut out.answering {
            target.extra["subject"] = json!(theirs);
        }
        mail_of(&connected(), out).subject
    };
    assert_eq!(subject("Re: jar"), "Re: jar");
    assert_eq!(subject("회신: 항아리"), "회신: 항아리");
    assert_eq!(subject("Order: 5"), "Re: Order: 5");
    assert_eq!(subject(""), "Re: your message to help@moa.example");
}

#[test]
fn another_attempt_is_the_same_mail() {
    let first = mail_of(&connected(), outgoing("korean"));
    assert!(first == mail_of(&connected(), outgoing("korean")));
    let mut other = outgoing("korean");
    other.client_id = "client-2".into();
    assert_ne!(mail_of(&connected(), other).message_id, first.message_id);
}

#[test]
fn a_tagged_reply_address_names_the_thread() {
    let mut inbox = connected();
    inbox.settings.insert("reply_address".into(), "tagged".into());
    let mail = mail_of(&inbox, outgoing("korean"));
    let address = mail.reply_to.expect("a reply address");
    assert_eq!(thread::thread_of_address("reply-key", &address), Some(message("korean").thread));
}

fn answer(status: u16, phase: &str) -> Response {
    Response {
        headers: vec![("phase".into(), phase.into())],
        body: b"words".to_vec(),
        ..empty(status)
    }
}

#[test]
fn the_mail_servers_codes_decide() {
    let send = Action::Send(Box::new(outgoing("korean")));
    let outcome = |status, phase| match CHANNEL.perform(&connected(), &send, &[answer(status, phase)]) {
        Step::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    };
    assert!(matches!(outcome(250, ""), Outcome::Sent { external_id, .. } if external_id.starts_with("mr1.")));
    assert!(matches!(outcome(451, "recipient"), Outcome::Retry { .. }));
    assert!(matches!(outcome(454, "sign-in"), Outcome::Retry { .. }));
    assert!(matches!(outcome(535, "sign-in"), Outcome::CredentialsDied { .. }));
    assert!(matches!(outcome(550, "sign-in"), Outcome::CredentialsDied { .. }));
    assert!(matches!(outcome(530, "sender"), Outcome::CredentialsDied { .. }));
    assert!(matches!(outcome(550, "recipient"), Outcome::Rejected { .. }));
    assert!(matches!(outcome(552, "content"), Outcome::Rejected { .. }));
}

#[test]
fn files_above_the_limit_are_refused_before_anything_is_sent() {
    let mut out = outgoing("korean");
    let file = Upload { blob: "b".into(), name: "film.mp4".into(), media_type: "video/mp4".into(),
        size_bytes: send::FILES_BYTES_MAX / 2 + 1, description: None, link: None };
    out.attachments = vec![file.clone(), file];
    let step = CHANNEL.perform(&connected(), &Action::Send(Box::new(out)), &[]);
    assert!(matches!(step, Step::Done(Outcome::Rejected { code, .. }) if code == "too_large"));
}

#[test]
fn connecting_makes_a_key_once_and_never_another() {
    let form = Action::Connect(Connect::Form);
    let secrets = |inbox: &Inbox| match CHANNEL.perform(inbox, &form, &[answer(235, "")]) {
        Step::Done(Outcome::Connected { account, secrets, .. }) => {
            assert_eq!(account, "help@moa.example");
            secrets
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(secrets(&inbox(&CHANNEL)).get("reply_key"), Some("nonce-1"));
    assert!(secrets(&connected()).is_empty());
}

#[test]
fn a_password_goes_in_clear_text_to_this_machine_only() {
    let mut near = inbox(&CHANNEL);
    near.settings.insert("smtp_host".into(), "127.0.0.1".into());
    near.settings.insert("smtp_security".into(), "none".into());
    let step = |inbox: &Inbox| CHANNEL.perform(inbox, &Action::Check, &[]);
    assert!(matches!(step(&near), Step::Mail(s) if s.protection == Protection::Clear && s.port == 587));
    near.settings.insert("smtp_host".into(), "smtp.moa.example".into());
    assert!(matches!(step(&near), Step::Done(Outcome::Rejected { code, .. }) if code == "bad_settings"));
}
