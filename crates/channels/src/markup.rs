//! Provider HTML: made safe to show, and read as plain text.
//!
//! Both go through the same sanitiser, so the text can never say less than the HTML that is shown.

use std::collections::HashSet;

/// HTML longer than this is cut before it is looked at.
const HTML_MAX: usize = 512 * 1024;

const TAGS: [&str; 14] = [
    "p",
    "br",
    "a",
    "b",
    "strong",
    "i",
    "em",
    "del",
    "code",
    "pre",
    "blockquote",
    "ul",
    "ol",
    "li",
];

/// What mails are laid out with; nothing of it can run or load anything.
const MAIL_TAGS: [&str; 15] = [
    "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "thead", "tbody", "tr", "td", "th",
    "u",
];

/// A few text tags, and links that leave in a new tab without telling where from.
pub fn clean(html: &str) -> String {
    cleaned(html, &[])
}

/// As [`clean`], with the blocks and tables of a mail. Pictures are files of the message.
pub fn clean_mail(html: &str) -> String {
    cleaned(html, &MAIL_TAGS)
}

fn cleaned(html: &str, more: &[&'static str]) -> String {
    ammonia::Builder::default()
        .tags(TAGS.iter().chain(more).copied().collect())
        .clean_content_tags(HashSet::from(["script", "style", "title"]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("nofollow noopener noreferrer"))
        .set_tag_attribute_value("a", "target", "_blank")
        .clean(bounded(html))
        .to_string()
}

fn bounded(html: &str) -> &str {
    let mut end = html.len().min(HTML_MAX);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    &html[..end]
}

/// The text a person would read: paragraphs kept, and links whose words hide where they lead.
pub fn plain_text(html: &str) -> String {
    words(&clean(html))
}

/// The same of a mail: its blocks begin new lines.
pub fn plain_mail(html: &str) -> String {
    // Outside of `pre`, a line break in HTML is only a space.
    words(&clean_mail(&html.replace(['\r', '\n'], " ")))
}

fn words(clean: &str) -> String {
    let mut reader = Reader::default();
    let mut rest = clean;
    while let Some(start) = rest.find('<') {
        reader.text(&rest[..start]);
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        reader.tag(&rest[start + 1..start + end]);
        rest = &rest[start + end + 1..];
    }
    reader.text(rest);
    reader.finish()
}

#[derive(Default)]
struct Reader {
    out: String,
    /// The open link: its address and where its words begin.
    link: Option<(String, usize)>,
}

impl Reader {
    fn text(&mut self, escaped: &str) {
        self.out.push_str(&unescape(escaped));
    }

    fn tag(&mut self, tag: &str) {
        let name = tag
            .split(|c: char| c.is_whitespace() || c == '>')
            .next()
            .unwrap_or_default();
        match name {
            "br" | "br/" | "/li" => self.out.push('\n'),
            "p" | "/p" | "blockquote" | "/blockquote" | "pre" | "/pre" | "/ul" | "/ol" => {
                self.paragraph()
            }
            "li" => self.out.push_str("- "),
            "div" | "/div" | "tr" | "/tr" | "table" | "/table" | "hr" | "h1" | "h2" | "h3"
            | "h4" | "h5" | "h6" => self.line(),
            "/h1" | "/h2" | "/h3" | "/h4" | "/h5" | "/h6" => self.paragraph(),
            "/td" | "/th" => self.out.push(' '),
            "a" => self.link = href(tag).map(|href| (href, self.out.len())),
            "/a" => self.end_link(),
            _ => {}
        }
    }

    /// Blocks in blocks begin one line, not many.
    fn line(&mut self) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn paragraph(&mut self) {
        let end = self.out.trim_end().len();
        self.out.truncate(end);
        if !self.out.is_empty() {
            self.out.push_str("\n\n");
        }
    }

    fn end_link(&mut self) {
        let Some((href, from)) = self.link.take() else {
            return;
        };
        let words = self.out.get(from..).unwrap_or_default().trim();
        // A mention or hash tag says itself where it leads; a bare address is shown already.
        let shown = words.starts_with(['@', '#'])
            || words == href
            || href.trim_end_matches('/').ends_with(words)
            || words.is_empty();
        if words.is_empty() {
            self.out.push_str(&href);
        } else if !shown {
            self.out.push_str(&format!(" ({href})"));
        }
    }

    fn finish(self) -> String {
        self.out.trim().to_owned()
    }
}

/// The sanitiser writes attributes in double quotes with `&quot;` inside.
fn href(tag: &str) -> Option<String> {
    let (_, rest) = tag.split_once("href=\"")?;
    let (value, _) = rest.split_once('"')?;
    Some(unescape(value))
}

fn unescape(escaped: &str) -> String {
    escaped
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_breaks_and_links_survive_as_text() {
        let html = r#"<p><span class="h-card"><a href="https://a.example/@desk" class="u-url mention">@<span>desk</span></a></span> 안녕<br>two &lt;b&gt; &amp;amp;</p><p>see <a href="https://example.org/a?b=c&amp;d=e"><span class="invisible">https://</span><span class="ellipsis">example.org/a</span><span class="invisible">?b=c&amp;d=e</span></a> and <a href="https://evil.example/">my bank</a></p>"#;
        assert_eq!(
            plain_text(html),
            "@desk 안녕\ntwo <b> &amp;\n\nsee https://example.org/a?b=c&d=e and my bank (https://evil.example/)"
        );
    }

    #[test]
    fn the_blocks_of_a_mail_are_lines() {
        let html = "<html><head><title>x</title><style>p{}</style></head><body><div>Hello\n there</div>            <div><br></div><div><div>nested</div></div><table><tr><td>Moon jar</td><td>2</td></tr>            <tr><td>Total</td><td>90,000</td></tr></table><img src='https://t.example/p.gif'></body></html>";
        assert_eq!(
            plain_mail(html),
            "Hello  there\n\nnested\nMoon jar 2\nTotal 90,000"
        );
    }

    #[test]
    fn nothing_that_runs_is_left() {
        let html = clean(
            r#"<p onclick="x()">a<script>alert(1)</script><img src=x onerror=y><a href="javascript:z" style="color:red">b</a><svg><style>*{}</style></svg></p>"#,
        );
        for bad in [
            "script",
            "onclick",
            "onerror",
            "javascript",
            "style",
            "<img",
            "<svg",
        ] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
    }
}
