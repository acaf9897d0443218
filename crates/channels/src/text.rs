//! Length, links and splitting of texts. Pure functions that several channels share.

use unicode_segmentation::UnicodeSegmentation;

/// What Mastodon counts for every link, however long.
const LINK_LENGTH: usize = 23;

/// Length as Mastodon counts it: graphemes, but a link counts 23 and `@user@host` as `@user`.
pub fn fediverse_length(text: &str) -> usize {
    words(text)
        .map(|word| {
            if let Some((lead, _, tail)) = link_in(word) {
                lead.graphemes(true).count() + LINK_LENGTH + tail.graphemes(true).count()
            } else if let Some(local) = local_mention(word) {
                local
            } else {
                word.graphemes(true).count()
            }
        })
        .sum()
}

/// The text cut at every border of white space; joined again it is the text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest
            .char_indices()
            .find(|(_, c)| c.is_whitespace() != first.is_whitespace())
            .map_or(rest.len(), |(at, _)| at);
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// `(before, link, after)` when the word holds an http(s) link.
fn link_in(word: &str) -> Option<(&str, &str, &str)> {
    let start = word.find("https://").or_else(|| word.find("http://"))?;
    let (lead, rest) = word.split_at(start);
    let after_scheme = rest.find("://")? + 3;
    if rest.len() == after_scheme {
        return None;
    }
    let trimmed = rest.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '"', '\'', '…']);
    let link = if trimmed.len() > after_scheme {
        trimmed
    } else {
        rest
    };
    Some((lead, link, &rest[link.len()..]))
}

/// Counted length of a word that starts with `@user@host`.
fn local_mention(word: &str) -> Option<usize> {
    let body = word.strip_prefix('@')?;
    let (local, rest) = body.split_once('@')?;
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if local.is_empty() || !local.chars().all(name) {
        return None;
    }
    let host_end = rest.find(|c| !name(c)).unwrap_or(rest.len());
    let host = rest[..host_end].trim_end_matches(['.', '-']);
    if host.is_empty() {
        return None;
    }
    Some(1 + local.len() + rest[host.len()..].graphemes(true).count())
}

/// Cuts a text into pieces of at most `max` by `measure`, at paragraphs, then lines, then
/// sentences, then words, and only inside a word when the word alone is too long. Graphemes stay
/// whole. Nothing but the white space at a cut is lost.
pub fn split(text: &str, max: usize, measure: impl Fn(&str) -> usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if max == 0 || measure(rest) <= max {
            pieces.push(rest.to_owned());
            break;
        }
        let fits = longest_prefix(rest, max, &measure);
        let cut = best_border(rest, fits);
        let (head, tail) = rest.split_at(cut);
        pieces.push(head.trim_end().to_owned());
        rest = tail.trim_start();
    }
    pieces
}

/// The end of the longest run of whole graphemes that fits; at least one grapheme.
fn longest_prefix(text: &str, max: usize, measure: &impl Fn(&str) -> usize) -> usize {
    let ends: Vec<usize> = text
        .grapheme_indices(true)
        .map(|(at, grapheme)| at + grapheme.len())
        .collect();
    // Not monotone in theory (a growing link stays 23), so the last fitting end may be missed;
    // any fitting end is correct, and the search stays fast on hostile lengths.
    let fitting = ends.partition_point(|end| measure(&text[..*end]) <= max);
    ends.get(fitting.saturating_sub(1))
        .copied()
        .unwrap_or(text.len())
}

/// The last good place to cut at or before `fits`, not in the first half unless there is none.
fn best_border(text: &str, fits: usize) -> usize {
    let head = &text[..fits];
    let half = fits / 2;
    let paragraph = head.rfind("\n\n");
    let line = head.rfind('\n');
    let sentence = head
        .char_indices()
        .rev()
        .find(|(at, c)| {
            matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '…')
                && text[at + c.len_utf8()..].starts_with(char::is_whitespace)
        })
        .map(|(at, c)| at + c.len_utf8());
    for border in [paragraph, line, sentence].into_iter().flatten() {
        if border > half {
            return border;
        }
    }
    if text[fits..].starts_with(char::is_whitespace) {
        return fits;
    }
    match head.rfind(char::is_whitespace) {
        Some(space) if !head[..space].trim().is_empty() => space,
        _ => fits,
    }
}
