//! One record of a table into its cells.

/// What separates and holds cells together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Marks {
    pub separator: u8,
    /// `None`: quotes are letters like others.
    pub quote: Option<u8>,
    /// Spaces before a cell do not belong to it.
    pub skip_spaces: bool,
}

/// A cell without its quotes, as a place in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) struct Cell {
    pub start: usize,
    pub end: usize,
    pub quoted: bool,
    /// It has doubled quotes within.
    pub escaped: bool,
    /// It has line ends within.
    pub spread: bool,
}

impl Cell {
    /// What it says; doubled quotes are single ones.
    pub fn text<'a>(&self, record: &'a [u8], quote: u8, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let raw = &record[self.start..self.end];
        if !self.escaped {
            return raw;
        }
        scratch.clear();
        let mut rest = raw;
        while let Some(at) = memchr::memchr(quote, rest) {
            scratch.extend_from_slice(&rest[..=at]);
            rest = &rest[(at + 2).min(rest.len())..];
        }
        scratch.extend_from_slice(rest);
        scratch
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Split {
    /// It takes so many bytes, its line end included.
    Record(usize),
    /// A line with nothing on it.
    Blank(usize),
    /// It may go on after these bytes.
    More,
    /// A quote is open at the end of the text.
    Open,
    /// After a closing quote there is something else than a separator.
    After,
}

pub(in crate::formats) fn split(bytes: &[u8], ended: bool, marks: Marks, cells: &mut Vec<Cell>) -> Split {
    cells.clear();
    if let Some(b'\n' | b'\r') = bytes.first() {
        return after_line(bytes, 0, ended).map_or(Split::More, Split::Blank);
    }
    let mut at = 0;
    loop {
        if marks.skip_spaces {
            at += bytes[at..].iter().take_while(|one| **one == b' ').count();
        }
        let cell = match marks.quote {
            Some(quote) if bytes.get(at) == Some(&quote) => match quoted(bytes, at + 1, quote, ended) {
                Ok(cell) => cell,
                Err(split) => return split,
            },
            _ => {
                let Some(end) = end_of_plain(bytes, at, marks.separator, ended) else { return Split::More };
                Cell { start: at, end, quoted: false, escaped: false, spread: false }
            }
        };
        cells.push(cell);
        let mut end = cell.end + usize::from(cell.quoted);
        if cell.quoted && marks.skip_spaces {
            end += bytes[end..].iter().take_while(|one| **one == b' ').count();
        }
        match bytes.get(end) {
            Some(one) if *one == marks.separator => at = end + 1,
            Some(b'\n' | b'\r') => return after_line(bytes, end, ended).map_or(Split::More, Split::Record),
            Some(_) => return Split::After,
            None if ended => return Split::Record(end),
            None => return Split::More,
        }
    }
}

/// Where the next line begins; `None`: a `\n` may follow the `\r`.
fn after_line(bytes: &[u8], end: usize, ended: bool) -> Option<usize> {
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => Some(end + 2),
        (b'\r', None) if !ended => None,
        _ => Some(end + 1),
    }
}

fn end_of_plain(bytes: &[u8], at: usize, separator: u8, ended: bool) -> Option<usize> {
    match memchr::memchr3(separator, b'\n', b'\r', &bytes[at..]) {
        Some(n) => Some(at + n),
        None => ended.then_some(bytes.len()),
    }
}

fn quoted(bytes: &[u8], start: usize, quote: u8, ended: bool) -> Result<Cell, Split> {
    let (mut at, mut escaped) = (start, false);
    loop {
        let Some(n) = memchr::memchr(quote, &bytes[at..]) else {
            return Err(if ended { Split::Open } else { Split::More });
        };
        at += n;
        match bytes.get(at + 1) {
            Some(next) if *next == quote => {
                escaped = true;
                at += 2;
            }
            None if !ended => return Err(Split::More),
            _ => {
                let spread = memchr::memchr2(b'\n', b'\r', &bytes[start..at]).is_some();
                return Ok(Cell { start, end: at, quoted: true, escaped, spread });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Marks = Marks { separator: b',', quote: Some(b'"'), skip_spaces: false };

    fn texts(record: &str, marks: Marks) -> (Split, Vec<String>) {
        let mut cells = Vec::new();
        let split = split(record.as_bytes(), true, marks, &mut cells);
        let mut scratch = Vec::new();
        let text = |cell: &Cell| {
            String::from_utf8_lossy(cell.text(record.as_bytes(), marks.quote.unwrap_or(0), &mut scratch))
                .into_owned()
        };
        (split, cells.iter().map(text).collect())
    }

    #[track_caller]
    fn check(record: &str, marks: Marks, used: usize, cells: &[&str]) {
        assert_eq!(
            texts(record, marks),
            (Split::Record(used), cells.iter().map(|one| (*one).to_owned()).collect())
        );
    }

    #[test]
    fn cells_are_found() {
        check("a,b,c\nx", CSV, 6, &["a", "b", "c"]);
        check("a,,\r\nx", CSV, 5, &["a", "", ""]);
        check("a,b", CSV, 3, &["a", "b"]);
        check("\"a,b\",\"c\"\"d\"\"\",\"\"\n", CSV, 18, &["a,b", "c\"d\"", ""]);
        check("\"a\nb\",c\ry", CSV, 8, &["a\nb", "c"]);
        check("it's 5\" long,b\n", CSV, 15, &["it's 5\" long", "b"]);
        let marks = Marks { skip_spaces: true, ..CSV };
        check("a, \"b, c\" , d\n", marks, 14, &["a", "b, c", "d"]);
        check("\"a\",b\n", Marks { quote: None, ..CSV }, 6, &["\"a\"", "b"]);
    }

    #[test]
    fn what_is_no_record_is_told() {
        assert_eq!(texts("\"a,b\nc,d\n", CSV).0, Split::Open);
        assert_eq!(texts("\"a\"b,c\n", CSV).0, Split::After);
        assert_eq!(texts("\r\na", CSV).0, Split::Blank(2));
        for begun in ["a,b", "\"a", "\"a\"", "a\r", ""] {
            assert_eq!(split(begun.as_bytes(), false, CSV, &mut Vec::new()), Split::More, "{begun:?}");
        }
    }
}
