//! Numbers as people read them: grouped digits, GiB, MB, time left.

use glassworks_protocol::text::Language;
use glassworks_protocol::{Progress, Unit};

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Memory: `5.8 GiB`, `312 MiB`.
#[must_use]
pub fn memory(bytes: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let mib = bytes as f64 / MIB;
    if mib >= 1000.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.0} MiB") }
}

/// GiB without the unit, for `5.8 / 15.4 GiB`.
#[must_use]
pub fn gib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1u32 << 30))
}

/// Files and downloads: `98 MB`, `1.1 GB`, `310 kB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let b = bytes as f64;
    if b >= 0.9995e9 {
        format!("{:.1} GB", b / 1e9)
    } else if b >= 0.9995e6 {
        format!("{:.0} MB", b / 1e6)
    } else if b >= 1e3 {
        format!("{:.0} kB", b / 1e3)
    } else {
        format!("{bytes} B")
    }
}

/// Weights: `135 M`, `1.7 B`, `5.1 M`.
#[must_use]
pub fn count(n: u64) -> String {
    let v = n as f64;
    let (v, unit) = match n {
        0..1_000 => return n.to_string(),
        1_000..999_500 => (v / 1e3, "k"),
        999_500..999_500_000 => (v / 1e6, "M"),
        _ => (v / 1e9, "B"),
    };
    if v < 9.95 { format!("{v:.1} {unit}") } else { format!("{v:.0} {unit}") }
}

/// `17 min left`, `3 s left`.
#[must_use]
pub fn left(language: Language, secs: f32) -> String {
    language.format("shell.left", &[("time", &duration(language, secs))])
}

/// `0.2 s`, `17 min`, `3 h 20 min`.
#[must_use]
pub fn duration(language: Language, secs: f32) -> String {
    let whole = secs.round().max(0.0) as u64;
    match whole {
        0..10 if secs < 9.95 && secs.fract() > 0.05 => {
            language.format("shell.secs", &[("n", &format!("{secs:.1}"))])
        }
        0..60 => language.format("shell.secs", &[("n", &whole)]),
        60..3600 => language.format("shell.mins", &[("n", &((whole + 30) / 60))]),
        _ => language.format("shell.hours", &[("h", &(whole / 3600)), ("m", &((whole % 3600) / 60))]),
    }
}

/// The time of day where the person is: `15:20`.
#[must_use]
pub fn clock(ms: i64, utc_offset_secs: i32) -> String {
    let minutes = (ms / 1000 + i64::from(utc_offset_secs)).div_euclid(60).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The day where the person is: `2026-11-21`.
#[must_use]
pub fn date(ms: i64, utc_offset_secs: i32) -> String {
    let days = (ms.div_euclid(1000) + i64::from(utc_offset_secs)).div_euclid(86_400);
    // Days since 1 March of the year 0, in eras of 400 years: Hinnant, "chrono-compatible low-level date algorithms",
    // civil_from_days.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The unit's name after a number.
#[must_use]
pub fn unit(language: Language, unit: Unit) -> &'static str {
    let key = match unit {
        Unit::Tokens => "shell.unit_tokens",
        Unit::Bytes => "shell.unit_bytes",
        Unit::Layers => "shell.unit_layers",
        Unit::Files => "shell.unit_files",
        Unit::Chats => "shell.unit_chats",
        Unit::Rows => "shell.unit_rows",
        Unit::Steps => "shell.unit_steps",
    };
    language.get(key)
}

/// `412 / 717 tokens`.
#[must_use]
pub fn done_of(language: Language, progress: &Progress) -> String {
    let Progress { done, total, unit: u, .. } = *progress;
    match (u, total) {
        (Unit::Bytes, Some(total)) => format!("{} / {}", size(done), size(total)),
        (Unit::Bytes, None) => size(done),
        (_, Some(total)) => format!("{} / {} {}", grouped(done), grouped(total), unit(language, u)),
        (_, None) => format!("{} {}", grouped(done), unit(language, u)),
    }
}

/// `39.8 tokens/s`.
#[must_use]
pub fn speed(language: Language, u: Unit, per_sec: f32) -> String {
    if u == Unit::Bytes {
        return format!("{}/s", size(per_sec as u64));
    }
    let number = if per_sec < 100.0 { format!("{per_sec:.1}") } else { grouped(per_sec as u64) };
    language.format("shell.per_sec", &[("n", &number), ("unit", &unit(language, u))])
}

/// Everything known, in a line.
#[must_use]
pub fn progress(language: Language, progress: &Progress) -> String {
    let mut parts = vec![done_of(language, progress)];
    parts.extend(progress.per_sec.filter(|s| *s > 0.0).map(|s| speed(language, progress.unit, s)));
    parts.extend(progress.left_secs().map(|s| left(language, s)));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
        assert_eq!(memory(5 << 30), "5.0 GiB");
        assert_eq!(memory(312 << 20), "312 MiB");
        assert_eq!(size(98_000_000), "98 MB");
        assert_eq!(size(1_100_000_000), "1.1 GB");
        assert_eq!(count(134_515_008), "135 M");
        assert_eq!(count(1_700_000_000), "1.7 B");
        assert_eq!(count(850_000), "850 k");
        let en = Language::English;
        assert_eq!(duration(en, 0.21), "0.2 s");
        assert_eq!(duration(en, 1021.0), "17 min");
        assert_eq!(duration(en, 12_000.0), "3 h 20 min");
        assert_eq!(clock(1_795_262_400_000, 8 * 3600), "20:00");
        assert_eq!(clock(-60_000, 0), "23:59");
        let days = [0, -1, 951_782_400_000, 951_868_800_000, 1_795_262_400_000];
        let expected = ["1970-01-01", "1969-12-31", "2000-02-29", "2000-03-01", "2026-11-21"];
        assert_eq!(days.map(|ms| date(ms, 0)), expected);
        assert_eq!(date(1_795_262_400_000, 12 * 3600), "2026-11-22");
    }
}
