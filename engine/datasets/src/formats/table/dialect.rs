//! How a table is written, by its first records: separator, quotes, header, and which columns hold texts alone.

use super::super::lines::first_line;
use super::cells::{Rule, is_literal};
use super::split::{Cell, Marks, Split, split};
use glassworks_protocol::datasets::import::ReadOptions;

const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// As many records are looked at.
const RECORDS: usize = 400;

#[derive(Clone, Debug)]
pub(in crate::formats) struct Dialect {
    pub marks: Marks,
    pub header: bool,
    pub names: Vec<String>,
    pub rules: Vec<Rule>,
    /// A line `sep=;` as spreadsheets write it, before all else.
    pub said_bytes: usize,
    /// Where the header is behind that; what comes before it is no record.
    pub header_at: Option<usize>,
    /// Which share of the records have as many cells as most have.
    pub agreement: f64,
}

/// Records of the sample under some marks.
struct Records {
    marks: Marks,
    /// Texts of cells, and whether they were quoted.
    rows: Vec<Vec<(Vec<u8>, bool)>>,
    /// Where the first record begins.
    first: usize,
    n_quoted: usize,
    n_faults: usize,
    /// Whether every cell after a separator begins with a space.
    spaced: bool,
}

impl Records {
    fn read(sample: &[u8], ended: bool, marks: Marks) -> Self {
        let mut records = Self { marks, rows: Vec::new(), first: 0, n_quoted: 0, n_faults: 0, spaced: true };
        let (mut at, mut cells, mut scratch) = (0, Vec::new(), Vec::new());
        while at < sample.len() && records.rows.len() + records.n_faults < RECORDS {
            let rest = &sample[at..];
            match split(rest, ended, marks, &mut cells) {
                Split::Record(used) => {
                    let quote = marks.quote.unwrap_or(0);
                    let text = |cell: &Cell| (cell.text(rest, quote, &mut scratch).to_vec(), cell.quoted);
                    records.rows.push(cells.iter().map(text).collect());
                    records.spaced &= cells.iter().skip(1).all(|cell| rest.get(cell.start) == Some(&b' '));
                    records.n_quoted += cells.iter().filter(|cell| cell.quoted).count();
                    if records.rows.len() == 1 {
                        records.first = at;
                    }
                    at += used;
                }
                Split::Blank(used) => at += used,
                Split::More => break,
                Split::Open | Split::After => {
                    records.n_faults += 1;
                    at += first_line(rest).1;
                }
            }
        }
        records
    }

    /// How many cells most records have, and their share.
    fn width(&self) -> (usize, f64) {
        let mut counts = std::collections::BTreeMap::new();
        for row in &self.rows {
            *counts.entry(row.len()).or_insert(0usize) += 1;
        }
        let most = counts.iter().max_by_key(|(len, n)| (**n, **len));
        let all = self.rows.len() + self.n_faults;
        most.map_or((0, 0.0), |(len, n)| (*len, *n as f64 / all as f64))
    }
}

impl Dialect {
    /// By the beginning of a file; `ended`: all of it.
    pub fn of(sample: &[u8], ended: bool, options: &ReadOptions, tabs_first: bool) -> Self {
        let (said, before) = said_separator(sample);
        let sample = &sample[before..];
        let given = options.separator.and_then(|one| u8::try_from(one).ok()).or(said);
        let separators: Vec<u8> = match given {
            Some(one) => vec![one],
            None if tabs_first => vec![b'\t', b',', b';', b'|'],
            None => SEPARATORS.to_vec(),
        };
        let mut best: Option<(Records, (bool, f64))> = None;
        for separator in separators {
            let records = with_quotes(sample, ended, separator);
            let (width, share) = records.width();
            let score = (width > 1, share);
            if best.as_ref().is_none_or(|(_, other)| score > *other) {
                best = Some((records, score));
            }
        }
        let (records, (_, agreement)) =
            best.unwrap_or_else(|| (with_quotes(sample, ended, b','), (false, 0.0)));
        let header = options.header.unwrap_or_else(|| has_header(&records));
        let names = names(&records, header);
        let body = &records.rows[usize::from(header).min(records.rows.len())..];
        let rules = (0..names.len()).map(|column| rule(body, column)).collect();
        let header_at = header.then_some(records.first);
        Self { marks: records.marks, header, names, rules, said_bytes: before, header_at, agreement }
    }
}

/// `sep=;` on a line of its own, which spreadsheets write and read.
fn said_separator(sample: &[u8]) -> (Option<u8>, usize) {
    let (line, used) = first_line(sample);
    match line.trim_ascii_end() {
        [b's', b'e', b'p', b'=', one] => (Some(*one), used),
        _ => (None, 0),
    }
}

/// The quotes under which a separator makes most sense.
fn with_quotes(sample: &[u8], ended: bool, separator: u8) -> Records {
    let read = |quote, skip_spaces| Records::read(sample, ended, Marks { separator, quote, skip_spaces });
    let double = read(Some(b'"'), false);
    if double.spaced && double.width().0 > 1 && separator != b' ' {
        return read(Some(b'"'), true);
    }
    if double.n_quoted > 0 && double.n_quoted >= double.n_faults {
        return double;
    }
    // `a, "b, c"`: quotes are there, after spaces.
    let spaced = read(Some(b'"'), true);
    if spaced.n_quoted > 0 && spaced.n_faults == 0 && spaced.width().1 >= double.width().1 {
        return spaced;
    }
    let single = read(Some(b'\''), false);
    if single.n_quoted > 2 && single.n_faults == 0 && single.width().1 >= double.width().1 {
        return single;
    }
    if double.n_faults > double.n_quoted { read(None, false) } else { double }
}

fn has_header(records: &Records) -> bool {
    let Some((first, body)) = records.rows.split_first() else { return false };
    if first.is_empty() || body.is_empty() && first.len() == 1 {
        return false;
    }
    let looks_like_name = |(text, quoted): &(Vec<u8>, bool)| {
        let text = String::from_utf8_lossy(text);
        (*quoted || !is_literal(text.as_bytes()) || text.is_empty())
            && text.chars().count() <= 60
            && !text.contains(['\n', '\r'])
    };
    if !first.iter().all(looks_like_name) || first.iter().all(|(text, _)| text.is_empty()) {
        return false;
    }
    if first.iter().any(|(text, _)| known_name(text)) {
        return true;
    }
    // A value that comes again, such as a label, is no name; numbers below a text say that it is one.
    let again = |column: usize, text: &[u8]| {
        body.iter().any(|row| row.get(column).is_some_and(|(other, _)| other == text))
    };
    if first.iter().enumerate().any(|(column, (text, _))| !text.is_empty() && again(column, text)) {
        return false;
    }
    let typed = |column: usize| {
        let cells = || body.iter().filter_map(|row| row.get(column)).filter(|(text, _)| !text.is_empty());
        cells().next().is_some() && cells().all(|(text, quoted)| !quoted && is_literal(text))
    };
    let words = |text: &[u8]| String::from_utf8_lossy(text).split_whitespace().count();
    if (0..first.len()).any(typed) {
        return true;
    }
    let mut texts: Vec<&[u8]> = first.iter().map(|(text, _)| text.as_slice()).collect();
    texts.sort_unstable();
    texts.windows(2).all(|pair| pair[0] != pair[1]) && texts.iter().all(|text| words(text) <= 3)
}

/// Names that columns of data sets have.
fn known_name(text: &[u8]) -> bool {
    const NAMES: &str = " id idx index text sentence review content document comment body title label labels class \
        category sentiment target source prompt completion instruction input output response question answer context \
        messages conversations chosen rejected summary article translation tokens tags ner_tags premise hypothesis \
        文本 内容 句子 标签 类别 问题 答案 回答 指令 ";
    let text = String::from_utf8_lossy(text).trim().to_lowercase();
    !text.is_empty() && !text.contains(' ') && NAMES.contains(&format!(" {text} "))
}

/// A name for every column, each another.
fn names(records: &Records, header: bool) -> Vec<String> {
    let width = records.width().0;
    let first = records.rows.first().filter(|_| header);
    let mut names: Vec<String> = match first {
        None => vec![String::new(); width],
        Some(first) => first
            .iter()
            .map(|(text, quoted)| {
                let text = String::from_utf8_lossy(text);
                if *quoted { text.into_owned() } else { text.trim().to_owned() }
            })
            .collect(),
    };
    let quoted_empty =
        |at: usize| first.is_some_and(|first| first.get(at).is_some_and(|(_, quoted)| *quoted));
    // Some programs leave out the name of the rows' names, some end every header with a separator.
    if header && names.len() + 1 == width {
        names.insert(0, "row".to_owned());
    } else if header && names.len() == width + 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    } else {
        for (at, name) in names.iter_mut().enumerate() {
            if name.is_empty() && !quoted_empty(at) {
                *name = format!("column_{}", at + 1);
            }
        }
    }
    let mut taken = std::collections::BTreeSet::new();
    for name in &mut names {
        let (given, mut n) = (name.clone(), 1);
        while !taken.insert(name.clone()) {
            n += 1;
            *name = format!("{given}_{n}");
        }
    }
    names
}

fn rule(body: &[Vec<(Vec<u8>, bool)>], column: usize) -> Rule {
    let plain_text = |row: &Vec<(Vec<u8>, bool)>| {
        row.get(column).is_some_and(|(text, quoted)| !quoted && !is_literal(text))
    };
    if body.iter().any(plain_text) { Rule::Text } else { Rule::Typed }
}
