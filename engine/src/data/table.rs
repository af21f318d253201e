//! Rows of tables: comma-separated values as RFC 4180 has them, and the same with tabs. The first row names the columns.

/// Puts records together from lines: a quoted field may go on over several.
pub struct Table {
    separator: char,
    fields: Vec<String>,
    field: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Plain,
    Quoted,
    /// A quote within a quoted field: its end, or half of one that is meant.
    Quote,
}

impl Table {
    #[must_use]
    pub fn new(separator: char) -> Self {
        Self { separator, fields: Vec::new(), field: String::new(), state: State::Plain }
    }

    #[must_use]
    pub fn separator(&self) -> char {
        self.separator
    }

    /// Takes a line without its end; the record's fields once it is whole.
    pub fn line(&mut self, line: &str) -> Option<Vec<String>> {
        if self.state == State::Quoted {
            self.field.push('\n');
        }
        for c in line.chars() {
            match (self.state, c) {
                (State::Plain, '"') if self.field.is_empty() => self.state = State::Quoted,
                (State::Quoted, '"') => self.state = State::Quote,
                (State::Quote, '"') => {
                    self.field.push('"');
                    self.state = State::Quoted;
                }
                (State::Plain | State::Quote, c) if c == self.separator => {
                    self.fields.push(std::mem::take(&mut self.field));
                    self.state = State::Plain;
                }
                (State::Quote, c) => {
                    self.field.push(c);
                    self.state = State::Plain;
                }
                (_, c) => self.field.push(c),
            }
        }
        if self.state == State::Quoted {
            return None;
        }
        self.state = State::Plain;
        self.fields.push(std::mem::take(&mut self.field));
        Some(std::mem::take(&mut self.fields))
    }

    /// Whether a quoted field goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Quoted
    }

    /// Bytes of the record so far.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.field.len() + self.fields.iter().map(String::len).sum::<usize>()
    }
}

/// A record as a line, without its end.
#[must_use]
pub fn written(fields: &[&str], separator: char) -> String {
    let quoted = |field: &&str| {
        let plain =
            !field.contains(['"', '\n', '\r', separator]) && !field.starts_with(' ') && !field.ends_with(' ');
        if plain { (*field).to_owned() } else { format!("\"{}\"", field.replace('"', "\"\"")) }
    };
    fields.iter().map(quoted).collect::<Vec<_>>().join(&separator.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str, separator: char) -> Vec<Vec<String>> {
        let mut table = Table::new(separator);
        text.lines().filter_map(|line| table.line(line)).collect()
    }

    #[test]
    fn records_are_those_of_the_standard() {
        let check = |text: &str, expected: &[&[&str]]| assert_eq!(records(text, ','), expected, "{text}");
        check("a,b\n1,2", &[&["a", "b"], &["1", "2"]]);
        check("\"a,\"\"b\"\"\",c", &[&["a,\"b\"", "c"]]);
        check("\"two\n\nlines\",x\ny,", &[&["two\n\nlines", "x"], &["y", ""]]);
        check("5\" nails,\"\"", &[&["5\" nails", ""]]);
        check("\"open", &[]);
        assert_eq!(records("a\tb,c", '\t'), [["a", "b,c"]]);
    }

    #[test]
    fn what_is_written_is_read() {
        let fields = ["plain", "a,b", "say \"no\"", "two\nlines", "", " space"];
        assert_eq!(records(&written(&fields, ','), ','), [fields]);
        assert_eq!(records(&written(&fields, '\t'), '\t'), [fields]);
    }
}
