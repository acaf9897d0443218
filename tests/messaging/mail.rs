//! E-mail, against postfix and dovecot: real servers, real certificates, restarts on every side.

use anyhow::Context;
use serde_json::{Value, json};
use support::deaf_smtp::DeafSmtp;
use support::graphql::Client;
use support::mail::{BUSINESS, CUSTOMER, GONE, Mail, PASSWORD};
use support::server::{OWNER_EMAIL, OWNER_PASSWORD, Options, Server};
use support::{desk, wait};

const CONNECT: &str = "mutation($input: ConnectInboxInput!) { connectInbox(input: $input) {
    problem { code message field } inbox { id state address problem } } }";
const QUEUES: &str = "{ queues { id } }";
const TICKETS: &str = "{ tickets(first: 20) { edges { node { id subject status messageHead
    conversations { id } messages(first: 20) {
        text direction state problem attachments { name state mediaType sizeBytes } } } } } }";

/// A server that believes the peer's certificate, and its owner.
async fn house(peer: &Mail) -> anyhow::Result<(Server, Client)> {
    let certificate = peer.certificate();
    let options = Options::new()?.environment("SSL_CERT_FILE", &certificate.to_string_lossy());
    options.set_up().await?;
    let server = options.start().await?;
    let owner = server.client().sign_in(OWNER_EMAIL, OWNER_PASSWORD).await?;
    Ok((server, owner))
}

fn form(queue: &Value, peer: &Mail) -> Value {
    json!({
        "channel": "email", "name": "Help", "queueId": queue,
        "settings": {
            "address": BUSINESS, "sender_name": "모아상점",
            "imap_host": "127.0.0.1", "imap_port": peer.imaps.port(), "imap_security": "tls",
            "smtp_host": "127.0.0.1", "smtp_port": peer.smtp.port(), "smtp_security": "starttls",
        },
        "secrets": { "password": PASSWORD },
    })
}

async fn queue(owner: &Client) -> anyhow::Result<Value> {
    Ok(owner.data(QUEUES, json!({})).await?["queues"][0]["id"].clone())
}

async fn connect(owner: &Client, peer: &Mail) -> anyhow::Result<()> {
    connect_by(owner, form(&queue(owner).await?, peer)).await
}

async fn connect_by(owner: &Client, input: Value) -> anyhow::Result<()> {
    let payload = owner.done(CONNECT, json!({ "input": input })).await?;
    anyhow::ensure!(payload["inbox"]["state"] == "CONNECTED", "{payload}");
    Ok(())
}

async fn tickets(owner: &Client) -> anyhow::Result<Vec<Value>> {
    let data = owner.data(TICKETS, json!({})).await?;
    let edges = data["tickets"]["edges"].as_array().context("a page")?;
    Ok(edges.iter().map(|edge| edge["node"].clone()).collect())
}

fn inbound(tickets: &[Value]) -> Vec<String> {
    let messages = tickets
        .iter()
        .flat_map(|t| t["messages"].as_array().into_iter().flatten());
    let theirs = messages.filter(|message| message["direction"] == "INBOUND");
    theirs
        .map(|m| m["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The ticket with a message of these words.
async fn until_text(owner: &Client, words: &str) -> anyhow::Result<Value> {
    wait::until(words, || async {
        let tickets = tickets(owner).await?;
        let found = tickets
            .iter()
            .find(|ticket| ticket["messages"].to_string().contains(words));
        anyhow::ensure!(found.is_some(), "{tickets:#?}");
        Ok(found.cloned())
    })
    .await
}

fn simple(id: &str, subject: &str, more: &str, text: &str) -> Vec<u8> {
    format!(
        "From: Sofia Almeida <{CUSTOMER}>\r\nTo: {BUSINESS}\r\nSubject: {subject}\r\n\
         Message-ID: <{id}@mail.test>\r\n{more}\r\n{text}\r\n"
    )
    .into_bytes()
}

fn header<'m>(mail: &'m str, name: &str) -> &'m str {
    let line = mail.lines().find(|line| {
        line.split_once(':')
            .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
    });
    line.and_then(|line| line.split_once(": "))
        .map_or("", |(_, value)| value.trim())
}

#[tokio::test]
async fn a_mail_becomes_a_ticket_and_its_answer_comes_home_under_any_subject() -> anyhow::Result<()>
{
    let peer = Mail::start().await?;
    let (_server, owner) = house(&peer).await?;
    connect(&owner, &peer).await?;
    let with_file = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe moon jar is broken.\r\n\
        --b\r\nContent-Type: application/pdf; name=\"order.pdf\"\r\n\
        Content-Disposition: attachment; filename=\"order.pdf\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQKJeLjz9MK\r\n--b--\r\n";
    let mail = simple("jar-1", "Broken jar", with_file, "");
    peer.deliver(CUSTOMER, BUSINESS, &mail).await?;
    let ticket = until_text(&owner, "moon jar is broken").await?;
    assert_eq!(ticket["subject"], "Broken jar");
    let file = wait::until("the file", || async {
        let file = tickets(&owner).await?[0]["messages"][0]["attachments"][0].clone();
        anyhow::ensure!(file["state"] == "READY", "{file}");
        Ok(Some(file))
    })
    .await?;
    assert_eq!(
        (&file["name"], &file["sizeBytes"]),
        (&json!("order.pdf"), &json!(15))
    );

    let id = ticket["id"].as_str().context("an id")?;
    let sent = desk::reply(&owner, id, "answer-1", "죄송합니다. We send a new one.").await?;
    desk::message_when(&owner, id, "the answer to be sent", |m| {
        m["id"] == sent.as_str() && m["state"] == "SENT"
    })
    .await?;
    let answer = peer
        .mail_with(CUSTOMER, "In-Reply-To: <jar-1@mail.test>")
        .await?;
    assert_eq!(header(&answer, "Subject"), "Re: Broken jar");
    assert_eq!(header(&answer, "References"), "<jar-1@mail.test>");
    assert!(
        header(&answer, "From").ends_with(&format!("<{BUSINESS}>")),
        "{answer}"
    );
    let ours = header(&answer, "Message-ID");
    assert!(
        ours.starts_with("<mr1.") && ours.ends_with("@moa.test>"),
        "{ours}"
    );

    let thanks = format!("References: <jar-1@mail.test> {ours}\r\nIn-Reply-To: {ours}\r\n");
    let mail = simple("jar-2", "completely different", &thanks, "Thank you!");
    peer.deliver(CUSTOMER, BUSINESS, &mail).await?;
    let again = until_text(&owner, "Thank you!").await?;
    assert_eq!(again["id"], ticket["id"]);
    assert_eq!(again["conversations"], ticket["conversations"]);
    assert_eq!(tickets(&owner).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn korean_mail_is_read_and_a_second_copy_is_not_shown() -> anyhow::Result<()> {
    let peer = Mail::start().await?;
    let (_server, owner) = house(&peer).await?;
    connect(&owner, &peer).await?;
    // It has its date, or the mail server would give each copy one of its own.
    // "배송 문의" and "아직 안 왔어요" in EUC-KR, under the name that old programs give it.
    let head = format!(
        "From: {CUSTOMER}\r\nTo: {BUSINESS}\r\nMessage-ID: <kr-1@mail.test>\r\n\
         Date: Fri, 20 Nov 2026 10:00:00 +0900\r\n\
         Subject: =?ks_c_5601-1987?B?uei82yC5rsDH?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=\"ks_c_5601-1987\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    );
    let body = b"\xbe\xc6\xc1\xf7 \xbe\xc8 \xbf\xd4\xbe\xee\xbf\xe4\r\n";
    let mail = [head.as_bytes(), body].concat();
    peer.deliver(CUSTOMER, BUSINESS, &mail).await?;
    peer.deliver(CUSTOMER, BUSINESS, &mail).await?;
    until_text(&owner, "아직 안 왔어요").await?;
    let last = simple("kr-2", "the last one", "", "nothing comes after me");
    peer.deliver(CUSTOMER, BUSINESS, &last).await?;
    until_text(&owner, "nothing comes after me").await?;
    let texts = inbound(&tickets(&owner).await?);
    assert_eq!(texts.len(), 2, "{texts:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_is_missed_or_doubled_when_either_side_restarts_or_forgets_its_numbers()
-> anyhow::Result<()> {
    let mut peer = Mail::start().await?;
    let (mut server, owner) = house(&peer).await?;
    connect(&owner, &peer).await?;
    let question = |n: u32| simple(&format!("q-{n}"), "question", "", &format!("question {n}."));
    let deliver = async |peer: &Mail, n: u32| peer.deliver(CUSTOMER, BUSINESS, &question(n)).await;

    deliver(&peer, 1).await?;
    until_text(&owner, "question 1.").await?;
    server.kill().await?;
    deliver(&peer, 2).await?;
    server.restart().await?;
    until_text(&owner, "question 2.").await?;

    // The mailbox is away; its mails wait at postfix, and the desk says what is wrong.
    peer.stop_dovecot().await?;
    wait::until("the trouble to be told", || async {
        let rows = owner
            .data("{ inboxes { sessionProblem } }", json!({}))
            .await?;
        let problem = rows["inboxes"][0]["sessionProblem"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok(problem.contains("mailbox cannot be read").then_some(()))
    })
    .await?;
    peer.renumber(BUSINESS)?;
    peer.start_dovecot().await?;
    deliver(&peer, 3).await?;
    until_text(&owner, "question 3.").await?;

    let all = inbound(&tickets(&owner).await?);
    for n in 1..=3 {
        let text = format!("question {n}.");
        assert_eq!(all.iter().filter(|t| **t == text).count(), 1, "{all:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_comes_back_is_marked_as_failed_with_the_reason() -> anyhow::Result<()> {
    let peer = Mail::start().await?;
    let (_server, owner) = house(&peer).await?;
    connect(&owner, &peer).await?;
    let mail = format!(
        "From: {GONE}\r\nTo: {BUSINESS}\r\nSubject: hello\r\nMessage-ID: <g-1@gone.test>\r\n\r\nAre you there?\r\n"
    );
    peer.deliver(GONE, BUSINESS, mail.as_bytes()).await?;
    let ticket = until_text(&owner, "Are you there?").await?;
    let id = ticket["id"].as_str().context("an id")?;
    let sent = desk::reply(&owner, id, "answer-1", "We are.").await?;
    let failed = desk::message_when(&owner, id, "the bounce", |m| {
        m["id"] == sent.as_str() && m["state"] == "FAILED"
    })
    .await?;
    let problem = failed["problem"].as_str().unwrap_or_default();
    assert!(
        problem.contains(GONE) && problem.contains("5.1.1"),
        "{problem}"
    );
    assert_eq!(tickets(&owner).await?.len(), 1, "a bounce is no ticket");
    Ok(())
}

#[tokio::test]
async fn an_answer_whose_fate_is_lost_waits_for_a_person_and_is_not_sent_twice()
-> anyhow::Result<()> {
    let peer = Mail::start().await?;
    let deaf = DeafSmtp::start().await?;
    let (_server, owner) = house(&peer).await?;
    let mut input = form(&queue(&owner).await?, &peer);
    input["settings"]["smtp_port"] = json!(deaf.address.port());
    input["settings"]["smtp_security"] = json!("none");
    connect_by(&owner, input).await?;
    let mail = simple("u-1", "hi", "", "still there?");
    peer.deliver(CUSTOMER, BUSINESS, &mail).await?;
    let ticket = until_text(&owner, "still there?").await?;
    let id = ticket["id"].as_str().context("an id")?;
    let sent = desk::reply(&owner, id, "answer-1", "Yes.").await?;
    desk::message_when(&owner, id, "nobody to know its fate", |m| {
        m["id"] == sent.as_str() && m["state"] == "UNKNOWN"
    })
    .await?;
    desk::worked_off(&owner, wait::DEADLINE).await?;
    assert_eq!(deaf.taken(), 1);
    Ok(())
}

#[tokio::test]
async fn an_absence_note_is_shown_and_reopens_nothing() -> anyhow::Result<()> {
    let peer = Mail::start().await?;
    let (_server, owner) = house(&peer).await?;
    connect(&owner, &peer).await?;
    peer.deliver(CUSTOMER, BUSINESS, &simple("a-1", "hi", "", "first words"))
        .await?;
    let ticket = until_text(&owner, "first words").await?;
    desk::close(&owner, ticket["id"].as_str().context("an id")?).await?;
    let automatic = "Auto-Submitted: auto-replied\r\nReferences: <a-1@mail.test>\r\n";
    peer.deliver(
        "",
        BUSINESS,
        &simple("a-2", "Away", automatic, "on holiday"),
    )
    .await?;
    until_text(&owner, "on holiday").await?;
    assert_eq!(status(&owner).await?, "CLOSED");
    let human = "References: <a-1@mail.test>\r\n";
    let mail = simple("a-3", "hi", human, "back again");
    peer.deliver(CUSTOMER, BUSINESS, &mail).await?;
    until_text(&owner, "back again").await?;
    assert_eq!(status(&owner).await?, "OPEN");
    Ok(())
}

/// Of the only ticket, once everything that came in is worked off.
async fn status(owner: &Client) -> anyhow::Result<Value> {
    desk::worked_off(owner, wait::DEADLINE).await?;
    let tickets = tickets(owner).await?;
    anyhow::ensure!(tickets.len() == 1, "{tickets:#?}");
    Ok(tickets[0]["status"].clone())
}

#[tokio::test]
async fn a_form_with_a_fault_is_refused_in_words_and_stores_nothing() -> anyhow::Result<()> {
    let peer = Mail::start().await?;
    let (server, owner) = house(&peer).await?;
    let queue = queue(&owner).await?;
    let refusal = async |change: fn(&mut Value)| {
        let mut input = form(&queue, &peer);
        change(&mut input);
        let answer = owner.data(CONNECT, json!({ "input": input })).await?;
        let problem = &answer["connectInbox"]["problem"];
        Ok::<_, anyhow::Error>(problem["message"].as_str().unwrap_or_default().to_owned())
    };
    let wrong = refusal(|form| form["secrets"]["password"] = json!("guess")).await?;
    assert!(wrong.contains("refuses user name or password"), "{wrong}");
    let folder = refusal(|form| form["settings"]["folder"] = json!("Nowhere")).await?;
    assert!(folder.contains("no folder \"Nowhere\""), "{folder}");
    let port = refusal(|form| form["settings"]["smtp_port"] = json!(1)).await?;
    assert!(port.contains("cannot be reached"), "{port}");
    let clear = refusal(|form| {
        form["settings"]["imap_host"] = json!("mail.example.com");
        form["settings"]["imap_security"] = json!("none");
    })
    .await?;
    assert!(clear.contains("could read the password"), "{clear}");
    let inboxes = owner.data("{ inboxes { id } }", json!({})).await?;
    assert_eq!(inboxes["inboxes"], json!([]));
    assert!(!server.log().contains(PASSWORD) && !server.log().contains("guess"));
    Ok(())
}
