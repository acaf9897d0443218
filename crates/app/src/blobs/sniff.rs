//! What a file is, by its first bytes. The sender's claim and the name's ending are ignored,
//! because browsers and agents would act on them.

/// Enough for every signature below.
pub const HEAD_BYTES: usize = 64;

const UNKNOWN: &str = "application/octet-stream";

/// `(offset, signature, media type)`.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"caff", "audio/x-caf"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
];

/// Brands of ISO media files (`ftyp` boxes).
const BRANDS: &[(&[u8], &str)] = &[
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heif"),
    (b"qt  ", "video/quicktime"),
    (b"M4A ", "audio/mp4"),
    (b"M4B ", "audio/mp4"),
    (b"3gp", "video/3gpp"),
];

pub fn media_type_of(head: &[u8]) -> &'static str {
    if let Some((_, _, found)) = SIGNATURES
        .iter()
        .find(|(at, signature, _)| head.get(*at..).is_some_and(|h| h.starts_with(signature)))
    {
        return found;
    }
    match (head.get(..4), head.get(4..8), head.get(8..12)) {
        (Some(b"RIFF"), _, Some(b"WEBP")) => "image/webp",
        (Some(b"RIFF"), _, Some(b"WAVE")) => "audio/wav",
        (_, Some(b"ftyp"), Some(brand)) => BRANDS
            .iter()
            .find(|(known, _)| brand.starts_with(known))
            .map_or("video/mp4", |(_, found)| found),
        (Some(b"\x1a\x45\xdf\xa3"), ..) if head.windows(4).any(|w| w == b"webm") => "video/webm",
        (Some(b"\x1a\x45\xdf\xa3"), ..) => "video/x-matroska",
        _ => UNKNOWN,
    }
}

/// Whether a browser may show this type in our origin: raster images, audio and video only.
/// SVG and HTML can carry scripts and are downloads always.
pub fn may_show_inline(media_type: &str) -> bool {
    const RASTER: &[&str] = &[
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
    ];
    RASTER.contains(&media_type)
        || media_type.starts_with("audio/")
        || media_type.starts_with("video/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_files_are_recognised() {
        for (head, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "image/jpeg"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
            (b"\0\0\0\x1cftypavif", "image/avif"),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
            (b"\x1a\x45\xdf\xa3\x01\x42\x82\x84webm", "video/webm"),
            (b"%PDF-1.7", "application/pdf"),
            (b"OggS\0\x02", "audio/ogg"),
        ] {
            assert_eq!(media_type_of(head), expected);
        }
    }

    #[test]
    fn what_could_carry_a_script_is_never_shown_inline() {
        for head in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'>"[..],
            b"<!doctype html><script>",
            b"<?xml version='1.0'?>",
            b"",
            b"PK",
            b"%PDF-1.7",
        ] {
            assert!(!may_show_inline(media_type_of(head)));
        }
        assert!(!may_show_inline("image/svg+xml") && !may_show_inline("text/html"));
        assert!(may_show_inline("image/png") && may_show_inline("audio/ogg"));
    }
}
