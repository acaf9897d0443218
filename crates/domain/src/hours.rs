//! Calendars: the only place that knows time zones.

/// Whether `name` is an IANA zone this binary knows, e.g. `Asia/Seoul`.
pub fn is_time_zone(name: &str) -> bool {
    name.len() <= 64 && jiff::tz::TimeZone::get(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_iana_names_only() {
        for zone in ["Asia/Seoul", "Europe/Berlin", "UTC"] {
            assert!(is_time_zone(zone), "{zone}");
        }
        for nonsense in ["", "Seoul", "../../etc/passwd", "Asia/Seoul\0"] {
            assert!(!is_time_zone(nonsense), "{nonsense:?}");
        }
    }
}
