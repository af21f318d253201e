//! What a value of Parquet is in JSON.

use super::super::json::{canonical, push_string};
use super::leaves::Raw;
use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use ::parquet::schema::types::Type;
use std::io::Write as _;

/// What a column's values mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Kind {
    meaning: Meaning,
    /// Names of classes, for numbers that stand for them.
    pub classes: Vec<String>,
    /// Floats without a fraction were whole numbers before.
    pub whole: bool,
    /// Texts are JSON.
    pub json: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Meaning {
    #[default]
    Plain,
    Text,
    Unsigned,
    Decimal(i32),
    Date,
    /// Units in a second.
    Time(i64),
    /// Units in a second, and whether it is in universal time.
    Timestamp(i64, bool),
    Half,
    Uuid,
}

impl Kind {
    pub fn of(column: &Type) -> Self {
        let info = column.get_basic_info();
        let meaning = match info.logical_type_ref() {
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => Meaning::Text,
            Some(LogicalType::Integer(int)) if !int.is_signed => Meaning::Unsigned,
            Some(LogicalType::Decimal(decimal)) => Meaning::Decimal(decimal.scale),
            Some(LogicalType::Date) => Meaning::Date,
            Some(LogicalType::Time(time)) => Meaning::Time(per_second(&time.unit)),
            Some(LogicalType::Timestamp(time)) => {
                Meaning::Timestamp(per_second(&time.unit), time.is_adjusted_to_u_t_c)
            }
            Some(LogicalType::Float16) => Meaning::Half,
            Some(LogicalType::Uuid) => Meaning::Uuid,
            _ => match info.converted_type() {
                ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Meaning::Text,
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64 => Meaning::Unsigned,
                ConvertedType::DECIMAL => Meaning::Decimal(column.get_scale()),
                ConvertedType::DATE => Meaning::Date,
                ConvertedType::TIME_MILLIS => Meaning::Time(1000),
                ConvertedType::TIME_MICROS => Meaning::Time(1_000_000),
                ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp(1000, false),
                ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp(1_000_000, false),
                _ => Meaning::Plain,
            },
        };
        let is_json = matches!(info.logical_type_ref(), Some(LogicalType::Json))
            || info.converted_type() == ConvertedType::JSON;
        Self { meaning, classes: Vec::new(), whole: false, json: is_json }
    }
}

fn per_second(unit: &TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

/// Writes a value as JSON; false where its bytes are no text though they should be.
pub(super) fn push(raw: &Raw, kind: &Kind, line: &mut Vec<u8>) -> bool {
    match raw {
        Raw::Bool(value) => line.extend_from_slice(if *value { b"true" } else { b"false" }),
        Raw::Int32(value) => {
            let unsigned = matches!(kind.meaning, Meaning::Unsigned);
            int(if unsigned { i64::from(*value as u32) } else { i64::from(*value) }, kind, line);
        }
        Raw::Int64(value) => int(*value, kind, line),
        Raw::Int96(value) => moment(value.to_nanos(), 1_000_000_000, false, line),
        Raw::Float(value) => float(f64::from(*value), &value.to_string(), kind, line),
        Raw::Double(value) => {
            let text = serde_json::Number::from_f64(*value).map(|one| one.to_string());
            float(*value, &text.unwrap_or_default(), kind, line);
        }
        Raw::Bytes(value) => return bytes(value, kind, line),
    }
    true
}

/// The least that JSON wants a number to be: what cannot be is missing.
fn float(value: f64, text: &str, kind: &Kind, line: &mut Vec<u8>) {
    if !value.is_finite() {
        line.extend_from_slice(b"null");
    } else if kind.whole && value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        put(line, format_args!("{}", value as i64));
    } else {
        line.extend_from_slice(text.as_bytes());
        if text.bytes().all(|one| one.is_ascii_digit() || one == b'-') {
            line.extend_from_slice(b".0");
        }
    }
}

fn int(value: i64, kind: &Kind, line: &mut Vec<u8>) {
    if !kind.classes.is_empty() {
        match usize::try_from(value).ok().and_then(|n| kind.classes.get(n)) {
            Some(name) => push_string(name.as_bytes(), line),
            // -1 stands for none.
            None if value == -1 => line.extend_from_slice(b"null"),
            None => put(line, format_args!("{value}")),
        }
        return;
    }
    match kind.meaning {
        Meaning::Unsigned => put(line, format_args!("{}", value as u64)),
        Meaning::Decimal(scale) => decimal(i128::from(value), scale, line),
        Meaning::Date => {
            let (year, month, day) = civil(value);
            put(line, format_args!("\"{year:04}-{month:02}-{day:02}\""));
        }
        Meaning::Time(per_second) => {
            line.push(b'"');
            clock(value, per_second, line);
            line.push(b'"');
        }
        Meaning::Timestamp(per_second, universal) => moment(value, per_second, universal, line),
        _ => put(line, format_args!("{value}")),
    }
}

fn bytes(value: &[u8], kind: &Kind, line: &mut Vec<u8>) -> bool {
    match kind.meaning {
        Meaning::Decimal(scale) if value.len() <= 16 && !value.is_empty() => {
            let sign = if value[0] & 0x80 == 0 { 0 } else { -1 };
            decimal(value.iter().fold(sign, |sum, one| sum << 8 | i128::from(*one)), scale, line);
        }
        Meaning::Half if value.len() == 2 => {
            let half = half::f16::from_le_bytes([value[0], value[1]]);
            float(half.to_f64(), &half.to_f32().to_string(), kind, line);
        }
        Meaning::Uuid if value.len() == 16 => {
            line.push(b'"');
            for (at, one) in value.iter().enumerate() {
                put(line, format_args!("{}{one:02x}", if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" }));
            }
            line.push(b'"');
        }
        _ => {
            let Ok(text) = std::str::from_utf8(value) else {
                if matches!(kind.meaning, Meaning::Text) {
                    push_string(String::from_utf8_lossy(value).as_bytes(), line);
                    return false;
                }
                base64(value, line);
                return true;
            };
            let before = line.len();
            if kind.json && canonical(value, line, &mut Vec::new()) == Ok(value.len()) {
                return true;
            }
            line.truncate(before);
            push_string(text.as_bytes(), line);
        }
    }
    true
}

/// Bytes that are no text, as RFC 4648 writes them.
fn base64(value: &[u8], line: &mut Vec<u8>) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    line.push(b'"');
    for three in value.chunks(3) {
        let all = three.iter().fold(0u32, |sum, one| sum << 8 | u32::from(*one)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * n)) as usize & 63];
            line.push(if n > three.len() { b'=' } else { letter });
        }
    }
    line.push(b'"');
}

fn decimal(unscaled: i128, scale: i32, line: &mut Vec<u8>) {
    let digits = unscaled.unsigned_abs().to_string();
    let sign = if unscaled < 0 { "-" } else { "" };
    match usize::try_from(scale) {
        Ok(scale @ 1..=40) => {
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, part) = padded.split_at(padded.len() - scale);
            put(line, format_args!("{sign}{whole}.{part}"));
        }
        _ => put(line, format_args!("{sign}{digits}")),
    }
}

fn moment(value: i64, per_second: i64, universal: bool, line: &mut Vec<u8>) {
    let day = 86_400 * per_second;
    let (year, month, date) = civil(value.div_euclid(day));
    put(line, format_args!("\"{year:04}-{month:02}-{date:02}T"));
    clock(value.rem_euclid(day), per_second, line);
    line.extend_from_slice(if universal { b"Z\"" } else { b"\"" });
}

fn clock(value: i64, per_second: i64, line: &mut Vec<u8>) {
    let (seconds, part) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    put(line, format_args!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if part > 0 {
        let digits = per_second.ilog10() as usize;
        let part = format!("{part:0digits$}");
        put(line, format_args!(".{}", part.trim_end_matches('0')));
    }
}

/// Year, month and day of a day counted from 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn put(line: &mut Vec<u8>, text: std::fmt::Arguments) {
    // Writing into memory does not fail.
    line.write_fmt(text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        write(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn times_are_written_as_iso_8601_does() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(text(|line| moment(1_709_210_096_789, 1000, true, line)), "\"2024-02-29T12:34:56.789Z\"");
        assert_eq!(text(|line| moment(-1, 1_000_000, false, line)), "\"1969-12-31T23:59:59.999999\"");
        assert_eq!(text(|line| moment(i64::MIN, 1, false, line)).len(), 30);
    }

    #[test]
    fn numbers_keep_their_value_and_kind() {
        assert_eq!(text(|line| decimal(-5, 2, line)), "-0.05");
        assert_eq!(text(|line| decimal(12345, 2, line)), "123.45");
        let kind = Kind::default();
        assert_eq!(text(|line| assert!(push(&Raw::Float(0.1), &kind, line))), "0.1");
        assert_eq!(text(|line| assert!(push(&Raw::Float(1e20), &kind, line))), "100000000000000000000.0");
        assert_eq!(text(|line| assert!(push(&Raw::Double(2.0), &kind, line))), "2.0");
        assert_eq!(text(|line| assert!(push(&Raw::Double(f64::NAN), &kind, line))), "null");
        let whole = Kind { whole: true, ..Kind::default() };
        assert_eq!(text(|line| assert!(push(&Raw::Double(2.0), &whole, line))), "2");
    }

    #[test]
    fn bytes_that_are_no_text_are_base64() {
        for (bytes, expected) in
            [("\u{0}", "AA=="), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(text(|line| base64(bytes.as_bytes(), line)), format!("\"{expected}\""));
        }
    }
}
