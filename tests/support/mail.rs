//! postfix and dovecot, mail servers that nobody here wrote (`scripts/install-packages.sh` installs
//! them), with a certificate of their own. Both need root to start, as on any machine.

use crate::process::Process;
use crate::{ports, wait};
use anyhow::Context;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

/// The mailbox of the business, and a customer's.
pub const BUSINESS: &str = "help@moa.test";
pub const CUSTOMER: &str = "sofia@mail.test";
pub const PASSWORD: &str = "correct-horse";
/// Mail to it is taken and then comes back.
pub const GONE: &str = "nobody@gone.test";

#[derive(Debug)]
pub struct Mail {
    dovecot: Process,
    postfix: Process,
    folder: TempDir,
    pub imap: SocketAddr,
    pub imaps: SocketAddr,
    pub smtp: SocketAddr,
}

impl Mail {
    pub async fn start() -> anyhow::Result<Self> {
        let (user, _) = owner("").await?;
        anyhow::ensure!(user == 0, "postfix and dovecot start only as root");
        let folder = tempfile::Builder::new().prefix("meari-mail.").tempdir()?;
        let root = folder.path();
        // Their processes run as other users.
        std::fs::set_permissions(root, std::fs::Permissions::from_mode(0o755))?;
        let [imap, imaps] = [ports::free()?, ports::free()?];
        let [lmtp, sasl, smtp] = [ports::free()?, ports::free()?, ports::free()?];
        certificate(root).await?;
        let mailboxes = root.join("mail");
        std::fs::create_dir_all(&mailboxes)?;
        let (user, group) = owner("mail").await?;
        chown(&mailboxes, Some(user), Some(group))?;
        let settings = dovecot_settings(root, [imap, imaps, lmtp, sasl]);
        std::fs::write(root.join("dovecot.conf"), settings)?;
        postfix_folder(root, smtp, lmtp, sasl).await?;
        let mut mail = Self {
            dovecot: dovecot(root)?,
            postfix: postfix(root).await?,
            imap,
            imaps,
            smtp,
            folder,
        };
        mail.ready().await?;
        Ok(mail)
    }

    /// What trusts these servers has to read this file of certificates.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        for (name, address, greeting) in [
            ("dovecot", self.imap, "* OK"),
            ("postfix", self.smtp, "220"),
        ] {
            let seen = wait::until(name, || async move {
                let mut line = String::new();
                let stream = TcpStream::connect(address).await?;
                BufReader::new(stream).read_line(&mut line).await?;
                Ok(line.starts_with(greeting).then_some(()))
            })
            .await;
            self.dovecot.check_alive()?;
            self.postfix.check_alive()?;
            let log = self.folder.path().join(name).with_extension("log");
            seen.with_context(|| std::fs::read_to_string(log).unwrap_or_default())?;
        }
        Ok(())
    }

    pub async fn stop_dovecot(&mut self) -> anyhow::Result<()> {
        self.dovecot.ask_to_stop()?;
        self.dovecot.ended().await.map(drop)
    }

    pub async fn start_dovecot(&mut self) -> anyhow::Result<()> {
        self.dovecot = dovecot(self.folder.path())?;
        self.ready().await
    }

    /// Forgets the numbers of a mailbox's mails, as after a restore from a backup.
    pub fn renumber(&self, address: &str) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(self.mailbox(address))? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.starts_with("dovecot") {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn mailbox(&self, address: &str) -> PathBuf {
        let name = address.split('@').next().unwrap_or_default();
        self.folder.path().join("mail").join(name)
    }

    /// Every mail in a mailbox, as it lies there.
    pub fn mails(&self, address: &str) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut mails = Vec::new();
        for part in ["new", "cur"] {
            let Ok(entries) = std::fs::read_dir(self.mailbox(address).join(part)) else {
                continue;
            };
            for entry in entries {
                mails.push(std::fs::read(entry?.path())?);
            }
        }
        Ok(mails)
    }

    /// Waits for a mail that holds these words.
    pub async fn mail_with(&self, address: &str, words: &str) -> anyhow::Result<String> {
        wait::until(words, || async {
            let mails = self.mails(address)?;
            let texts = mails
                .iter()
                .map(|mail| String::from_utf8_lossy(mail).into_owned());
            Ok(texts.into_iter().find(|text| text.contains(words)))
        })
        .await
    }

    /// Hands a mail to postfix as any server of the world would.
    pub async fn deliver(&self, from: &str, to: &str, mail: &[u8]) -> anyhow::Result<()> {
        let mut stream = BufReader::new(TcpStream::connect(self.smtp).await?);
        answer(&mut stream, "220").await?;
        for (command, code) in [
            ("EHLO customer.test".to_owned(), "250"),
            (format!("MAIL FROM:<{from}>"), "250"),
            (format!("RCPT TO:<{to}>"), "250"),
            ("DATA".to_owned(), "354"),
        ] {
            stream
                .write_all(format!("{command}\r\n").as_bytes())
                .await?;
            answer(&mut stream, code).await.context(command)?;
        }
        stream.write_all(mail).await?;
        stream.write_all(b"\r\n.\r\n").await?;
        answer(&mut stream, "250").await
    }
}

async fn answer(stream: &mut BufReader<TcpStream>, code: &str) -> anyhow::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        anyhow::ensure!(line.starts_with(code), "postfix says {line:?}");
        if line.get(3..4) != Some("-") {
            return Ok(());
        }
    }
}

async fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .await
        .with_context(|| format!("{command:?}"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "{command:?}: {told}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The numbers of a user and her group; nobody named is who runs this.
async fn owner(user: &str) -> anyhow::Result<(u32, u32)> {
    let mut ids = [0, 0];
    for (id, flag) in ids.iter_mut().zip(["-u", "-g"]) {
        let named = Some(user).filter(|user| !user.is_empty());
        *id = run(Command::new("id").arg(flag).args(named))
            .await?
            .trim()
            .parse()?;
    }
    Ok(ids.into())
}

async fn certificate(root: &Path) -> anyhow::Result<()> {
    let request = "[req]\nprompt=no\ndistinguished_name=n\nx509_extensions=x\n[n]\nCN=127.0.0.1\n\
        [x]\nsubjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(root.join("request"), request)?;
    let mut command = Command::new("openssl");
    command
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        ])
        .args([
            "-config", "request", "-keyout", "key.pem", "-out", "cert.pem",
        ])
        .current_dir(root);
    run(&mut command).await.map(drop)
}

fn dovecot(root: &Path) -> anyhow::Result<Process> {
    let mut command = Command::new("/usr/sbin/dovecot");
    command.arg("-F").arg("-c").arg(root.join("dovecot.conf"));
    Process::start(command, &root.join("dovecot.log"))
}

/// `postfix start-fg` would leave its master behind when it is killed: the master itself is run.
async fn postfix(root: &Path) -> anyhow::Result<Process> {
    let own = root.join("postfix");
    run(Command::new("/usr/sbin/postfix")
        .arg("-c")
        .arg(&own)
        .arg("check"))
    .await?;
    let mut command = Command::new("/usr/lib/postfix/sbin/master");
    command.arg("-c").arg(&own).arg("-s");
    Process::start(command, &root.join("postfix.log"))
}

fn dovecot_settings(root: &Path, [imap, imaps, lmtp, sasl]: [SocketAddr; 4]) -> String {
    let (imap, imaps, lmtp, sasl) = (imap.port(), imaps.port(), lmtp.port(), sasl.port());
    let root = root.display();
    format!(
        "base_dir = {root}/run
log_path = {root}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{root}/mail/%n
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={root}/mail/%n allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    port = {sasl}
  }}
}}
"
    )
}

async fn postfix_folder(
    root: &Path,
    smtp: SocketAddr,
    lmtp: SocketAddr,
    sasl: SocketAddr,
) -> anyhow::Result<()> {
    let own = root.join("postfix");
    for folder in [&own, &root.join("spool"), &root.join("data")] {
        std::fs::create_dir_all(folder)?;
    }
    let (user, _) = owner("postfix").await?;
    chown(root.join("data"), Some(user), None)?;
    let services = std::fs::read_to_string("/usr/share/postfix/master.cf.dist")
        .or_else(|_| std::fs::read_to_string("/etc/postfix/master.cf"))?;
    let services = services
        .lines()
        .filter(|line| !line.starts_with("smtp      inet"))
        .map(|line| not_in_a_chroot(line) + "\n");
    // Refused only after it was taken, as by a server further away: 67 means "no such user".
    let door = format!(
        "{smtp} inet n - n - - smtpd\n\
         gone unix - n n - - pipe user=mail argv=/bin/sh -c {{exit 67}}\n"
    );
    std::fs::write(own.join("master.cf"), door + &services.collect::<String>())?;
    let folder = root.display();
    let settings = format!(
        "compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/postfix.log
maillog_file_prefixes = /tmp, /var, {folder}
myhostname = mail.moa.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = moa.test, mail.test
virtual_mailbox_maps = inline:{{ {{{BUSINESS}=x}}, {{{CUSTOMER}=x}} }}
virtual_transport = lmtp:inet:{lmtp}
transport_maps = inline:{{ {{gone.test=gone:}} }}
default_transport = error:nothing leaves this machine
recipient_delimiter = +
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:{sasl}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
local_recipient_maps =
alias_maps =
"
    );
    std::fs::write(own.join("main.cf"), settings)?;
    Ok(())
}

/// The fifth column of a service.
fn not_in_a_chroot(line: &str) -> String {
    if line.starts_with(['#', ' ', '\t']) || line.trim().is_empty() {
        return line.to_owned();
    }
    let mut columns: Vec<&str> = line.split_whitespace().collect();
    if let Some(column) = columns.get_mut(4) {
        *column = "n";
    }
    columns.join(" ")
}
