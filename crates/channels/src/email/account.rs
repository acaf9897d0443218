//! The settings of a mailbox, checked: where its servers are and how they are spoken to.

use super::part::is_address;
use crate::action::Protection;
use crate::view::Inbox;

#[derive(Clone)]
pub struct Account {
    pub address: String,
    pub sender_name: Option<String>,
    pub imap_host: String,
    pub imap_port: u16,
    pub imap_protection: Protection,
    pub smtp_host: String,
    pub smtp_port: u16,
    pub smtp_protection: Protection,
    pub user: String,
    pub password: String,
    pub folder: String,
    /// Replies are asked for at `help+mr1-…@moa.example`.
    pub tagged: bool,
    /// Signs threads; empty before the account is connected.
    pub reply_key: String,
}

impl Account {
    /// Or what an administrator has to correct.
    pub fn of(inbox: &Inbox) -> Result<Self, String> {
        let address = inbox.setting("address").unwrap_or_default().to_lowercase();
        if !is_address(&address) {
            return Err("The address is not an e-mail address.".into());
        }
        let imap_host = host(inbox, "imap_host")?;
        let smtp_host = host(inbox, "smtp_host")?;
        let imap_protection = protection(inbox, "imap_security", &imap_host)?;
        let smtp_protection = protection(inbox, "smtp_security", &smtp_host)?;
        let clear = |protection| protection != Protection::Tls;
        Ok(Self {
            imap_port: port(inbox, "imap_port", if clear(imap_protection) { 143 } else { 993 })?,
            smtp_port: port(inbox, "smtp_port", if clear(smtp_protection) { 587 } else { 465 })?,
            sender_name: inbox.setting("sender_name").map(str::to_owned),
            user: inbox.setting("user").unwrap_or(&address).to_owned(),
            password: inbox.secrets.get("password").unwrap_or_default().to_owned(),
            folder: inbox.setting("folder").unwrap_or("INBOX").to_owned(),
            tagged: inbox.setting("reply_address") == Some("tagged"),
            reply_key: inbox.secrets.get("reply_key").unwrap_or_default().to_owned(),
            address,
            imap_host,
            imap_protection,
            smtp_host,
            smtp_protection,
        })
    }

    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

fn host(inbox: &Inbox, name: &str) -> Result<String, String> {
    let host = inbox.setting(name).unwrap_or_default().to_ascii_lowercase();
    let fine = |c: char| c.is_alphanumeric() || ".-:[]".contains(c);
    if host.is_empty() || host.len() > 253 || !host.chars().all(fine) {
        return Err(format!("{host:?} is not the name of a mail server."));
    }
    Ok(host)
}

fn port(inbox: &Inbox, name: &str, usual: u16) -> Result<u16, String> {
    match inbox.number(name) {
        None => Ok(usual),
        Some(number) => u16::try_from(number)
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| format!("{number} is not a port.")),
    }
}

/// A password in clear text only within this machine.
fn protection(inbox: &Inbox, name: &str, host: &str) -> Result<Protection, String> {
    match inbox.setting(name) {
        None | Some("tls") => Ok(Protection::Tls),
        Some("starttls") => Ok(Protection::StartTls),
        Some("none") if matches!(host, "127.0.0.1" | "localhost" | "::1" | "[::1]") => {
            Ok(Protection::Clear)
        }
        Some("none") => Err(format!(
            "Without encryption everybody on the way could read the password for {host}. Choose TLS or STARTTLS."
        )),
        Some(other) => Err(format!("There is no protection {other:?}.")),
    }
}
