//! Predicting over a file of rows: reading them in groups, writing each group's new columns aside, going on after an
//! interruption. What a model says of a group is [`Says`]' business; jobs bring it.
//!
//! Groups are cut by row number alone and each is written whole, so that a job that was killed and begun again makes
//! the file that an undisturbed one makes.

mod head;
mod learn;
mod output;
pub mod rows;

use crate::data::files::{self, Numbered};
use anyhow::{Context as _, Result};
use glassworks_protocol::ids::PredictionId;
use glassworks_protocol::predict::{PredictReport, PredictSpec, RowsView};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
pub use head::head;
pub use learn::write_rows;
use output::{Format, Output};
pub use output::{left, remove_unfinished};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows that are predicted together.
pub const GROUP: usize = 16;

/// Files that are kept at hand at once: one in each pane side by side.
pub const MOST_LOOKED_AT: usize = 2;

/// A file of predicted rows that somebody looks at.
pub struct Looking {
    pub id: PredictionId,
    pub rows: Arc<rows::Rows>,
    /// The newest view, how many rows were mended then, and its order.
    pub order: Option<(RowsView, usize, Arc<Vec<u32>>)>,
}

/// Those looked at last.
#[derive(Default)]
pub struct LookedAt(Mutex<Vec<Looking>>);

impl LookedAt {
    pub fn lock(&self) -> MutexGuard<'_, Vec<Looking>> {
        // What is in it is whole or absent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a model says.
pub trait Says {
    /// The names of the new columns.
    fn columns(&self) -> Vec<String>;

    /// The new columns of some rows, in their order.
    ///
    /// # Errors
    /// When a person stopped it, and when the model cannot.
    fn say(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<Vec<Value>>>;

    /// Told after each group: rows read, and bytes of the file with all there are.
    fn told(&self, rows: u64, bytes: u64, total: u64);
}

/// Predicts every row of `spec.data`. `identity` names the model and all else that the answers depend on: what was left
/// by a job with another one is not gone on with.
///
/// # Errors
/// `Failure { Input }` for an `out` that is there or of another kind, and for rows without the column; when the disk
/// says no; and what `says` returns.
pub fn run(spec: &PredictSpec, identity: &str, says: &mut dyn Says) -> Result<PredictReport> {
    let format = Format::of(&spec.data, &spec.out)?;
    if spec.out.exists() {
        let summary = Text::new("failure.out_exists").arg("path", spec.out.display());
        return Err(Failure::new(FailureKind::Input, summary)
            .hint(Text::new("failure.out_exists_hint"))
            .into());
    }
    let identity = format!("{identity} {} {}", file_hash(&spec.data)?, spec.column);
    let (mut output, n_before) = Output::begin(&spec.out, format, &identity)?;
    let mut file = files::open(&spec.data)?;
    let (total, mut hasher) = (file.len_bytes(), Sha256::new());
    let (mut n_rows, mut n_left_out) = (0, 0);
    let mut group = Vec::with_capacity(GROUP);
    let mut columns: Option<Vec<String>> = None;
    loop {
        let next = file.next_value(&mut hasher)?;
        let ended = next.is_none();
        if let Some(row) = next {
            match fields(row) {
                Some(fields) => {
                    if columns.is_none() {
                        columns = Some(all_columns(&fields, spec, says)?);
                    }
                    group.push(fields);
                }
                None => n_left_out += 1,
            }
        }
        let columns = columns.as_deref().unwrap_or_default();
        if group.len() == GROUP || ended && !group.is_empty() {
            n_rows += group.len() as u64;
            // What an earlier job has written is only passed over.
            if n_rows > n_before {
                let said = says.say(&group)?;
                output.write(columns, &group, said)?;
                output.keep(n_rows)?;
            }
            group.clear();
            // Passing over rows is no speed to go by.
            if n_rows >= n_before {
                says.told(n_rows, file.read_bytes(), total);
            }
        }
        if ended {
            break;
        }
    }
    if n_rows == 0 {
        let summary = Text::new("failure.data_empty").arg("n", n_left_out);
        return Err(Failure::new(FailureKind::Input, summary).hint(no_column(spec)).into());
    }
    output.finish(&spec.out)?;
    Ok(PredictReport { out: spec.out.clone(), n_rows, n_before, n_left_out, labels: Vec::new() })
}

/// A row that has columns.
fn fields((_, value): Numbered) -> Option<Map<String, Value>> {
    match value {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

/// The columns of the new file, from those of the first row.
fn all_columns(first: &Map<String, Value>, spec: &PredictSpec, says: &dyn Says) -> Result<Vec<String>> {
    if !first.contains_key(&spec.column) {
        let summary = Text::new("failure.no_column")
            .arg("column", &spec.column)
            .arg("there", first.keys().cloned().collect::<Vec<_>>().join(", "));
        return Err(Failure::new(FailureKind::Input, summary).hint(no_column(spec)).into());
    }
    let added = says.columns();
    let kept = first.keys().filter(|name| !added.contains(name)).cloned();
    Ok(kept.chain(added.iter().cloned()).collect())
}

fn no_column(spec: &PredictSpec) -> Text {
    Text::new("failure.no_column_hint").arg("file", spec.data.display())
}

/// What a row says in a column: texts as they are, other values as JSON writes them, nothing as nothing.
#[must_use]
pub fn text_of(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// `template` with the row's columns in place of their names in braces; other braces stay.
#[must_use]
pub fn filled(template: &str, row: &Map<String, Value>) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some(open) = rest.find('{') {
        let name = rest[open + 1..].split('}').next().unwrap_or_default();
        let whole = rest[open + 1..].len() > name.len();
        if whole && row.contains_key(name) {
            out.push_str(&rest[..open]);
            out.push_str(&text_of(row, name));
            rest = &rest[open + name.len() + 2..];
        } else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
        }
    }
    out + rest
}

/// SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn file_hash(path: &Path) -> Result<String> {
    let mut file = std::fs::File::open(path).with_context(|| format!("reading {}", path.display()))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let n = file.read(&mut buffer).with_context(|| format!("reading {}", path.display()))?;
        if n == 0 {
            return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hasher.update(&buffer[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Says how long a text is; stops after some groups.
    struct Counts {
        groups: usize,
    }

    impl Says for Counts {
        fn columns(&self) -> Vec<String> {
            vec!["prediction".to_owned()]
        }

        fn say(&mut self, rows: &[Map<String, Value>]) -> Result<Vec<Vec<Value>>> {
            self.groups = self.groups.checked_sub(1).context("stopped")?;
            Ok(rows.iter().map(|row| vec![json!(text_of(row, "text").len())]).collect())
        }

        fn told(&self, _: u64, _: u64, _: u64) {}
    }

    fn spec(data: &Path, out: &Path) -> PredictSpec {
        PredictSpec {
            model: glassworks_protocol::generate::ModelSource::Path("model".into()),
            tuned: None,
            adapter: None,
            keep: None,
            data: data.to_owned(),
            column: "text".to_owned(),
            template: None,
            out: out.to_owned(),
            max_new_tokens: 8,
            precision: glassworks_protocol::model::Precision::Exact,
        }
    }

    fn check(data_name: &str, out_name: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (data, out) = (folder.path().join(data_name), folder.path().join(out_name));
        std::fs::write(&data, text).unwrap();
        let spec = spec(&data, &out);
        let whole = run(&spec, "a", &mut Counts { groups: 99 }).unwrap();
        let undisturbed = std::fs::read_to_string(&out).unwrap();
        std::fs::remove_file(&out).unwrap();
        // Stopped after its first group, and after its second; then begun by somebody else; then gone on with.
        assert!(run(&spec, "a", &mut Counts { groups: 1 }).is_err());
        assert!(run(&spec, "a", &mut Counts { groups: 1 }).is_err());
        assert!(!out.exists(), "what is not whole has another name");
        let resumed = run(&spec, "a", &mut Counts { groups: 99 }).unwrap();
        assert_eq!(resumed.n_before, 2 * GROUP as u64);
        assert_eq!(std::fs::read_to_string(&out).unwrap(), undisturbed);
        assert_eq!((resumed.n_rows, resumed.n_left_out), (whole.n_rows, whole.n_left_out));
        assert!(run(&spec, "a", &mut Counts { groups: 99 }).is_err(), "nothing is written over");
        std::fs::remove_file(&out).unwrap();
        assert!(run(&spec, "a", &mut Counts { groups: 1 }).is_err());
        let other = run(&spec, "b", &mut Counts { groups: 99 }).unwrap();
        assert_eq!(other.n_before, 0, "another model begins anew");
        let left: Vec<_> = folder.path().read_dir().unwrap().collect();
        assert_eq!(left.len(), 2, "nothing lies about");
        undisturbed
    }

    #[test]
    fn a_job_that_was_stopped_goes_on_to_the_same_file() {
        let rows: String = (0..50).map(|i| format!("{i},\"row, {i}\"\n")).collect();
        let made = check("a.csv", "b.csv", &format!("id,text\n{rows}bad\n"));
        let mut lines = made.lines();
        assert_eq!(lines.next(), Some("id,text,prediction"));
        assert_eq!(lines.next(), Some("0,\"row, 0\",6"));
        assert_eq!(lines.count(), 49);
        let rows: String =
            (0..50).map(|i| json!({ "text": "x".repeat(i), "n": i }).to_string() + "\n").collect();
        let made = check("a.jsonl", "b.jsonl", &format!("{rows}no row\n"));
        assert_eq!(made.lines().nth(3), Some("{\"text\":\"xxx\",\"n\":3,\"prediction\":3}"));
        let made = check("a.tsv", "b.jsonl", &("text\n".to_owned() + &"abc\n".repeat(40)));
        assert_eq!(made.lines().next(), Some("{\"text\":\"abc\",\"prediction\":3}"));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a.jsonl");
        std::fs::write(&data, "{\"words\":\"a\"}\n").unwrap();
        let refused = |out: &str| {
            let error = run(&spec(&data, &folder.path().join(out)), "a", &mut Counts { groups: 9 });
            error.unwrap_err().downcast::<Failure>().unwrap().summary.key
        };
        assert_eq!(refused("b.jsonl"), "failure.no_column");
        assert_eq!(refused("b.csv"), "failure.predict_kind");
    }

    #[test]
    fn templates_take_columns() {
        let row = json!({ "text": "tea", "n": 3, "none": null });
        let row = row.as_object().unwrap();
        assert_eq!(filled("{n} x {text}{none}: {other} {", row), "3 x tea: {other} {");
    }
}
