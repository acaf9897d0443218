//! The words of our mails, in English and Korean, as text and simple HTML.
//!
//! Names come from people: they are cut to one short line in subjects and escaped in HTML.

use super::Mail;
use chrono::TimeDelta;
use domain::people::Role;

const NAME_CHARS_MAX: usize = 80;

/// What an invitation tells. `url` holds the token.
#[derive(Clone, Copy)]
pub struct Invitation<'a> {
    pub to: &'a str,
    pub tenant: &'a str,
    pub invited_by: &'a str,
    pub role: Role,
    pub url: &'a str,
    pub valid_for: TimeDelta,
}

/// `locale` is a BCP 47 tag; anything but Korean is written to in English.
pub fn invitation(locale: &str, invitation: Invitation<'_>) -> Mail {
    let tenant = one_line(invitation.tenant);
    let by = one_line(invitation.invited_by);
    let words = if is_korean(locale) {
        let (role, valid) = (role_ko(invitation.role), period_ko(invitation.valid_for));
        Words {
            language: "ko",
            subject: format!("{tenant} 상담 데스크에 초대합니다"),
            hello: "안녕하세요.".to_owned(),
            body: format!("{by} 님이 {tenant} 상담 데스크에 {role} 초대했습니다."),
            button: "초대 수락하기".to_owned(),
            note: format!(
                "이 링크는 {valid} 동안 한 번만 쓸 수 있습니다. 모르는 초대라면 이 메일을 무시하세요."
            ),
        }
    } else {
        let (role, valid) = (role_en(invitation.role), period_en(invitation.valid_for));
        Words {
            language: "en",
            subject: format!("You are invited to the {tenant} desk"),
            hello: "Hello,".to_owned(),
            body: format!("{by} invited you to the {tenant} desk as {role}."),
            button: "Accept the invitation".to_owned(),
            note: format!(
                "The link works once, for {valid}. If you did not expect this, ignore this mail."
            ),
        }
    };
    words.into_mail(invitation.to, invitation.url)
}

pub fn password_reset(locale: &str, to: &str, url: &str, valid_for: TimeDelta) -> Mail {
    let words = if is_korean(locale) {
        let valid = period_ko(valid_for);
        Words {
            language: "ko",
            subject: "비밀번호 재설정".to_owned(),
            hello: "안녕하세요.".to_owned(),
            body: "이 주소의 메아리 계정에 새 비밀번호를 설정하려는 요청을 받았습니다.".to_owned(),
            button: "새 비밀번호 설정하기".to_owned(),
            note: format!(
                "이 링크는 {valid} 동안 한 번만 쓸 수 있습니다. 요청하지 않았다면 이 메일을 무시하세요. 비밀번호는 그대로입니다."
            ),
        }
    } else {
        let valid = period_en(valid_for);
        Words {
            language: "en",
            subject: "Reset your password".to_owned(),
            hello: "Hello,".to_owned(),
            body: "Somebody asked to set a new password for the Meari account of this address."
                .to_owned(),
            button: "Set a new password".to_owned(),
            note: format!(
                "The link works once, for {valid}. If it was not you, ignore this mail: your password stays as it is."
            ),
        }
    };
    words.into_mail(to, url)
}

struct Words {
    language: &'static str,
    subject: String,
    hello: String,
    body: String,
    button: String,
    note: String,
}

impl Words {
    fn into_mail(self, to: &str, url: &str) -> Mail {
        let Self {
            language,
            subject,
            hello,
            body,
            button,
            note,
        } = self;
        let text = format!("{hello}\n\n{body}\n\n{button}:\n{url}\n\n{note}\n\nMeari\n");
        let (body, note, link) = (escape(&body), escape(&note), escape(url));
        let html = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n\
             <body style=\"font:16px/1.5 system-ui,sans-serif;color:#1c1c1c;max-width:36em;margin:2em auto;padding:0 1em\">\n\
             <p>{hello}</p>\n<p>{body}</p>\n\
             <p><a href=\"{link}\" style=\"display:inline-block;padding:.6em 1.2em;border-radius:.4em;background:#1f5f8b;color:#ffffff;text-decoration:none\">{button}</a></p>\n\
             <p style=\"color:#5a5a5a;font-size:14px\">{note}</p>\n\
             <p style=\"color:#5a5a5a;font-size:14px;word-break:break-all\">{link}</p>\n\
             <p>Meari</p>\n</body>\n</html>\n"
        );
        Mail {
            to: to.to_owned(),
            subject,
            text,
            html,
        }
    }
}

fn is_korean(locale: &str) -> bool {
    locale
        .split(['-', '_'])
        .next()
        .is_some_and(|language| language.eq_ignore_ascii_case("ko"))
}

const fn role_en(role: Role) -> &'static str {
    match role {
        Role::Agent => "an agent",
        Role::Supervisor => "a supervisor",
        Role::Admin => "an administrator",
        Role::Owner => "an owner",
    }
}

/// With the particle that the word takes.
const fn role_ko(role: Role) -> &'static str {
    match role {
        Role::Agent => "상담원으로",
        Role::Supervisor => "슈퍼바이저로",
        Role::Admin => "관리자로",
        Role::Owner => "소유자로",
    }
}

fn period_en(period: TimeDelta) -> String {
    let (count, unit) = match (period.num_days(), period.num_hours()) {
        (days, _) if days >= 2 => (days, "day"),
        (_, hours) if hours >= 1 => (hours, "hour"),
        _ => (period.num_minutes().max(1), "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

fn period_ko(period: TimeDelta) -> String {
    match (period.num_days(), period.num_hours()) {
        (days, _) if days >= 2 => format!("{days}일"),
        (_, hours) if hours >= 1 => format!("{hours}시간"),
        _ => format!("{}분", period.num_minutes().max(1)),
    }
}

/// A name from outside: no line breaks or other controls, and not a whole letter.
fn one_line(name: &str) -> String {
    let mut line: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(NAME_CHARS_MAX)
        .collect();
    line.truncate(line.trim_end().len());
    line
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mail: &Mail) -> String {
        format!(
            "To: {}\nSubject: {}\n\n{}\n-----\n{}",
            mail.to, mail.subject, mail.text, mail.html
        )
    }

    fn sample() -> Invitation<'static> {
        Invitation {
            to: "mina@example.com",
            tenant: "Harbour Bikes",
            invited_by: "Jun Seo",
            role: Role::Supervisor,
            url: "https://desk.example/invite?token=mei_sample&x=1",
            valid_for: TimeDelta::days(7),
        }
    }

    #[test]
    fn mails_read_like_this_in_both_languages() {
        let url = "https://desk.example/reset?token=mep_sample";
        let reset = |locale| password_reset(locale, "mina@example.com", url, TimeDelta::hours(1));
        insta::assert_snapshot!("invitation_en", shown(&invitation("en-GB", sample())));
        insta::assert_snapshot!("invitation_ko", shown(&invitation("ko", sample())));
        insta::assert_snapshot!("reset_en", shown(&reset("fr")));
        insta::assert_snapshot!("reset_ko", shown(&reset("ko-KR")));
    }

    #[test]
    fn a_hostile_name_breaks_neither_header_nor_html() {
        let mail = invitation(
            "en",
            Invitation {
                tenant: "Evil\r\nBcc: all@example.com\r\n<script>alert(1)</script>",
                invited_by: &"x".repeat(10_000),
                ..sample()
            },
        );
        assert!(!mail.subject.contains(['\r', '\n']));
        assert!(!mail.html.contains("<script>"));
        assert!(mail.text.len() < 2000);
    }

    #[test]
    fn periods_are_told_in_the_largest_fitting_unit() {
        assert_eq!(period_en(TimeDelta::hours(24)), "24 hours");
        assert_eq!(period_en(TimeDelta::hours(1)), "1 hour");
        assert_eq!(period_en(TimeDelta::seconds(10)), "1 minute");
        assert_eq!(period_ko(TimeDelta::days(7)), "7일");
    }
}
