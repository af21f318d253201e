//! The variables of a prompt: what each is, and which values it takes.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Values by the names of variables, as a person writes them.
pub type Values = BTreeMap<String, String>;

/// A variable: what a person is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// Between braces in the text.
    pub name: String,
    /// What a person reads; the name where it is empty.
    pub label: String,
    pub kind: VariableKind,
    /// Taken where nothing is said.
    pub default: String,
    /// May stay empty.
    pub optional: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum VariableKind {
    /// A line.
    #[default]
    Text,
    /// Some lines.
    LongText,
    Number {
        #[serde(default)]
        least: Option<f64>,
        #[serde(default)]
        most: Option<f64>,
    },
    /// One of these.
    Choice(Vec<String>),
    /// What stands in the text for each.
    YesNo { yes: String, no: String },
}

/// Why a value cannot be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueProblem {
    /// The variable's name.
    pub name: String,
    pub why: Text,
}

/// What people write for yes and for no.
const YES: [&str; 8] = ["yes", "true", "1", "y", "on", "x", "是", "对"];
const NO: [&str; 8] = ["no", "false", "0", "n", "off", "", "否", "不"];

impl Variable {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    #[must_use]
    pub fn shown(&self) -> &str {
        if self.label.trim().is_empty() { &self.name } else { self.label.trim() }
    }

    /// What comes into the text for what a person wrote, the default for nothing.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub fn take(&self, written: Option<&str>) -> Result<String, Text> {
        let written = written.filter(|words| !words.trim().is_empty()).unwrap_or(&self.default);
        let words = written.trim();
        let named = |key| Text::new(key).arg("name", self.shown());
        if words.is_empty() && !matches!(self.kind, VariableKind::YesNo { .. }) {
            return if self.optional { Ok(String::new()) } else { Err(named("prompts.value_missing")) };
        }
        match &self.kind {
            VariableKind::Text | VariableKind::LongText => Ok(written.to_owned()),
            VariableKind::Number { least, most } => {
                let number = words.replace(',', "").parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or_else(|| named("prompts.value_no_number"))?;
                if let Some(least) = least.filter(|least| number < *least) {
                    return Err(named("prompts.value_too_small").arg("least", least));
                }
                if let Some(most) = most.filter(|most| number > *most) {
                    return Err(named("prompts.value_too_large").arg("most", most));
                }
                Ok(words.to_owned())
            }
            VariableKind::Choice(choices) => {
                let same = |choice: &&String| choice.trim().to_lowercase() == words.to_lowercase();
                choices
                    .iter()
                    .find(same)
                    .map(|choice| choice.trim().to_owned())
                    .ok_or_else(|| named("prompts.value_no_choice").arg("choices", choices.join(", ")))
            }
            VariableKind::YesNo { yes, no } => {
                let lower = words.to_lowercase();
                if YES.contains(&lower.as_str()) || lower == yes.trim().to_lowercase() {
                    Ok(yes.clone())
                } else if NO.contains(&lower.as_str()) || lower == no.trim().to_lowercase() {
                    Ok(no.clone())
                } else {
                    Err(named("prompts.value_yes_no"))
                }
            }
        }
    }

    /// Whether a yes is what was written.
    #[must_use]
    pub fn is_yes(&self, written: Option<&str>) -> bool {
        match &self.kind {
            VariableKind::YesNo { yes, no } => yes != no && self.take(written).as_ref() == Ok(yes),
            _ => false,
        }
    }
}

/// The names of columns and the rows of a pasted table: from a spreadsheet (tabs), or with commas where there is no
/// tab. Quoted fields may go on over several lines. The first row names the columns where it has the name of a
/// variable; otherwise columns are taken in order.
#[must_use]
pub fn pasted(text: &str, columns: &[&str]) -> Vec<Values> {
    let separator = if text.contains('\t') { '\t' } else { ',' };
    // One column and no tab: each line is a value, commas and all.
    let mut records = match (columns, separator) {
        ([_], ',') => text.lines().map(|line| vec![line.to_owned()]).collect(),
        _ => records(text, separator),
    };
    let known = |field: &String| columns.iter().any(|name| same_name(name, field));
    let header = records.first().is_some_and(|first| first.iter().any(known));
    let names: Vec<Option<&str>> = match header {
        true => {
            let first = records.remove(0);
            first.iter().map(|field| columns.iter().copied().find(|name| same_name(name, field))).collect()
        }
        false => columns.iter().map(|name| Some(*name)).collect(),
    };
    let row = |fields: Vec<String>| -> Values {
        let named = names.iter().zip(fields).filter_map(|(name, field)| Some(((*name)?.to_owned(), field)));
        named.collect()
    };
    records.into_iter().map(row).filter(|row| row.values().any(|value| !value.trim().is_empty())).collect()
}

/// Whether a column of a file is meant for a variable.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.trim().replace(['_', '-'], " ").to_lowercase();
    plain(a) == plain(b)
}

fn records(text: &str, separator: char) -> Vec<Vec<String>> {
    let (mut all, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut was_quoted) = (false, false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            c if quoted => field.push(c),
            '\r' => {}
            '\n' => {
                fields.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut fields));
                was_quoted = false;
            }
            c if c == separator => {
                fields.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            c => field.push(c),
        }
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        all.push(fields);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: VariableKind, written: &str, expected: Result<&str, &str>) {
        let variable = Variable { kind, ..Variable::new("x") };
        let got = variable.take(Some(written));
        let got = got.as_deref().map_err(|why| why.key.as_ref());
        assert_eq!(got, expected, "{variable:?} {written:?}");
    }

    #[test]
    fn values_are_checked_by_their_kind() {
        check(VariableKind::Text, " a ", Ok(" a "));
        check(VariableKind::Text, " ", Err("prompts.value_missing"));
        let number = VariableKind::Number { least: Some(1.0), most: Some(5.0) };
        check(number.clone(), " 3 ", Ok("3"));
        check(number.clone(), "0", Err("prompts.value_too_small"));
        check(number.clone(), "6", Err("prompts.value_too_large"));
        check(number.clone(), "six", Err("prompts.value_no_number"));
        check(number, "inf", Err("prompts.value_no_number"));
        let choice = VariableKind::Choice(vec!["Short".into(), "Long".into()]);
        check(choice.clone(), "short ", Ok("Short"));
        check(choice, "medium", Err("prompts.value_no_choice"));
        let yes_no = VariableKind::YesNo { yes: "Be kind.".into(), no: String::new() };
        for written in ["yes", "TRUE", "是", "be kind."] {
            check(yes_no.clone(), written, Ok("Be kind."));
        }
        for written in ["no", "0", ""] {
            check(yes_no.clone(), written, Ok(""));
        }
        check(yes_no, "perhaps", Err("prompts.value_yes_no"));
    }

    #[test]
    fn nothing_said_is_the_default() {
        let variable = Variable { default: "tea".into(), ..Variable::new("x") };
        assert_eq!(variable.take(None), Ok("tea".to_owned()));
        assert_eq!(variable.take(Some("  ")), Ok("tea".to_owned()));
        let optional = Variable { optional: true, ..Variable::new("x") };
        assert_eq!(optional.take(None), Ok(String::new()));
    }

    fn said(text: &str, columns: &[&str]) -> Vec<String> {
        let row = |row: &Values| row.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("|");
        pasted(text, columns).iter().map(row).collect()
    }

    #[test]
    fn tables_are_pasted_from_spreadsheets_and_text() {
        assert_eq!(said("a\tb\nc\t\"d\n\"\"e\"\"\"\n\n", &["x", "y"]), ["x=a|y=b", "x=c|y=d\n\"e\""]);
        assert_eq!(said("First name\tother\ty\nAda\t-\t3\r\n", &["y", "first_name"]), ["first_name=Ada|y=3"]);
        assert_eq!(said("1,2\n3,4", &["x", "y"]), ["x=1|y=2", "x=3|y=4"]);
        assert_eq!(said("one, two\nthree", &["x"]), ["x=one, two", "x=three"]);
        assert_eq!(said("x\none", &["x"]), ["x=one"]);
        assert_eq!(said("", &["x"]), Vec::<String>::new());
    }
}
