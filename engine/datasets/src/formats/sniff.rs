//! What format a file is in: by its first bytes, its name, and what its text looks like.

use super::json::{FaultKind, canonical};
use super::table::Dialect;
use glassworks_protocol::datasets::import::{FileFormat, ReadOptions};

/// Endings of names, without those of compression.
const ENDINGS: &[(&str, FileFormat)] = &[
    ("jsonl", FileFormat::Jsonl),
    ("ndjson", FileFormat::Jsonl),
    ("json", FileFormat::Json),
    ("csv", FileFormat::Table),
    ("tsv", FileFormat::Table),
    ("tab", FileFormat::Table),
    ("psv", FileFormat::Table),
    ("parquet", FileFormat::Parquet),
    ("txt", FileFormat::Text),
    ("text", FileFormat::Text),
    ("md", FileFormat::Text),
    ("conll", FileFormat::Conll),
    ("conllu", FileFormat::Conll),
    ("bio", FileFormat::Conll),
    ("iob", FileFormat::Conll),
    ("iob2", FileFormat::Conll),
];

/// The format that a name promises.
pub(super) fn by_name(name: &str) -> Option<FileFormat> {
    let ending = ending(name)?;
    ENDINGS.iter().find(|(one, _)| *one == ending).map(|(_, format)| *format)
}

fn ending(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').map(|(_, ending)| ending.to_owned())
}

/// Whether tabs are what separates, going by the name.
pub(super) fn tabs_first(name: &str) -> bool {
    matches!(ending(name).as_deref(), Some("tsv" | "tab" | "txt" | "conll"))
}

/// The format of a text by its beginning; `ended`: all of it. `name` is empty for what was pasted.
pub(super) fn of(name: &str, sample: &[u8], ended: bool) -> FileFormat {
    let promised = by_name(name);
    let text = sample.trim_ascii_start();
    match promised {
        Some(FileFormat::Json | FileFormat::Jsonl) => {
            return json(text, ended, promised == Some(FileFormat::Jsonl));
        }
        // What a table promises may still be tags: CoNLL goes by many names.
        Some(FileFormat::Table) if is_tagged(sample) => return FileFormat::Conll,
        Some(FileFormat::Text) | None => {}
        Some(format) => return format,
    }
    if matches!(text.first(), Some(b'{' | b'[')) && begins_as_json(text, ended) {
        return json(text, ended, false);
    }
    if is_tagged(sample) {
        return FileFormat::Conll;
    }
    if ending(name).as_deref() != Some("md") && is_table(name, sample, ended) {
        return FileFormat::Table;
    }
    FileFormat::Text
}

fn begins_as_json(text: &[u8], ended: bool) -> bool {
    match canonical(text, &mut Vec::new(), &mut Vec::new()) {
        Ok(_) => true,
        Err(fault) => fault.kind == FaultKind::Ended && !ended,
    }
}

/// JSON of some kind: a file called `.json` is often of lines.
fn json(text: &[u8], ended: bool, lines: bool) -> FileFormat {
    if text.starts_with(b"[") {
        return FileFormat::Json;
    }
    let used = match canonical(text, &mut Vec::new(), &mut Vec::new()) {
        Ok(used) => used,
        Err(fault) if fault.kind == FaultKind::Ended && !ended => {
            return if is_squad(text) { FileFormat::Squad } else { FileFormat::Json };
        }
        // A first line that is broken says nothing of the others.
        Err(_) => {
            let lines =
                text.split(|one| matches!(one, b'\n' | b'\r')).filter(|line| !line.trim_ascii().is_empty());
            let own =
                lines.take(20).filter(|line| line.starts_with(b"{") && line.trim_ascii_end().ends_with(b"}"));
            return if own.count() > 1 { FileFormat::Jsonl } else { FileFormat::Json };
        }
    };
    let one_line = memchr::memchr2(b'\n', b'\r', &text[..used]).is_none();
    let more = !text[used..].trim_ascii().is_empty();
    if is_squad(text) && !more {
        FileFormat::Squad
    } else if one_line && (more || lines) {
        FileFormat::Jsonl
    } else {
        FileFormat::Json
    }
}

/// `{"version": …, "data": [{"title": …, "paragraphs": [{"context": …, "qas": …`
fn is_squad(text: &[u8]) -> bool {
    let head = &text[..text.len().min(64 << 10)];
    let has = |word: &str| memchr::memmem::find(head, word.as_bytes()).is_some();
    has("\"data\"") && has("\"paragraphs\"") && (has("\"qas\"") || has("\"context\""))
}

/// Words with tags: most lines end in `O`, `B-X`, `I-X` and the like, and sentences end with empty lines.
fn is_tagged(sample: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&sample[..sample.len().min(32 << 10)]);
    let lines: Vec<&str> = text.lines().take(400).collect();
    let (mut tagged, mut words, mut blank) = (0, 0, 0);
    for line in &lines {
        if line.trim().is_empty() {
            blank += 1;
            continue;
        }
        if line.starts_with('#') || line.starts_with("-DOCSTART-") {
            continue;
        }
        words += 1;
        let last = line.split(['\t', ' ']).rfind(|one| !one.is_empty()).unwrap_or_default();
        tagged += usize::from(line.trim().len() > last.len() && is_tag(last));
    }
    words >= 2 && tagged * 10 >= words * 9 && (blank > 0 || tagged == words && words < 200)
}

pub(super) fn is_tag(word: &str) -> bool {
    if word == "O" {
        return true;
    }
    let mut letters = word.chars();
    let first = letters.next().is_some_and(|one| "BIESLUM".contains(one));
    first && matches!(letters.next(), Some('-' | '_')) && letters.next().is_some_and(char::is_alphanumeric)
}

/// Text in which every line has as many cells, more than one.
fn is_table(name: &str, sample: &[u8], ended: bool) -> bool {
    let dialect = Dialect::of(sample, ended, &ReadOptions::default(), tabs_first(name));
    let wanted = if name.is_empty() || ending(name).is_none() { 2 } else { 4 };
    let lines = memchr::memchr2_iter(b'\n', b'\r', sample.trim_ascii_end()).take(8).count() + 1;
    // Prose has commas too, and by chance as many a line; a file of text is a table only by its tabs.
    let separator = dialect.marks.separator;
    let likely = separator == b'\t' || name.is_empty() && (separator != b',' || lines >= 3 || dialect.header);
    likely && dialect.names.len() > 1 && dialect.agreement >= 0.95 && lines >= wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use FileFormat::{Conll, Json, Jsonl, Squad, Table, Text};

    #[track_caller]
    fn check(name: &str, text: &str, expected: FileFormat) {
        assert_eq!(of(name, text.as_bytes(), true), expected, "{name}: {text}");
    }

    #[test]
    fn formats_are_told_apart() {
        check("a.json", "{\"a\":1}\n{\"a\":2}\n", Jsonl);
        check("a.jsonl.gz", "[{\"a\":1}]", Json);
        check("a.jsonl", "{\"a\":[1,2]}\n", Jsonl);
        check("a.jsonl", "{\"a\":1,}\n{\"a\":2}\n", Jsonl);
        check("a.json", "{\n \"a\": 1\n}", Json);
        check("", "{\"a\":1}", Json);
        check("", "{\"a\":1}\n{\"a\":2}", Jsonl);
        check("", "[{\"a\":1}]", Json);
        check(
            "a.json",
            r#"{"version":"1.1","data":[{"title":"t","paragraphs":[{"context":"c","qas":[]}]}]}"#,
            Squad,
        );
        check(
            "train.txt",
            "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n",
            Conll,
        );
        check("wnut.tsv", "EU\tB-ORG\nrejects\tO\n\nPeter\tB-PER\n", Conll);
        check("", "EU\tB-ORG\nrejects\tO\n", Conll);
        check("a.tsv", "text\tlabel\nx\ty\n", Table);
        check("a.csv", "text,label\nx,O\ny,O\n", Table);
        check("", "text,label\nx,pos\ny,neg\n", Table);
        check("", "text\tlabel\nx\ty", Table);
        check("sms.txt", "ham\tone\nspam\ttwo\nham\tthree\nham\tfour\n", Table);
        check("a.txt", "Well, it was.\nSo, it is.\nAnd, it will be.\nYes, it will.", Text);
        check("", "Once upon a time.\n\nThe end.", Text);
        check("", "[not json] but text", Text);
        check("notes.md", "a | b\n-|-\nc | d\ne | f\n", Text);
        check("", "", Text);
    }
}
