//! How columns of pages lie within each other: objects, lists and maps, after the levels of Dremel
//! (<https://github.com/apache/parquet-format/blob/master/LogicalTypes.md>, "Nested Types").

use super::leaves::Leaf;
use super::values::Kind;
use super::{NOTES_KEY, quoted};
use ::parquet::basic::{ConvertedType, LogicalType, Repetition};
use ::parquet::file::metadata::KeyValue;
use ::parquet::schema::types::{SchemaDescriptor, Type};
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::ops::Range;

const DEEPEST: usize = 60;
const MOST_COLUMNS: usize = 10_000;

/// What a file that Glassworks wrote says beyond its schema, under the key `glassworks`. Paths name fields from the
/// row down, `[]` a list's elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Notes {
    /// Columns of texts that are JSON: values that no one type holds.
    pub json: Vec<String>,
    /// Fields that are not there where they are null.
    pub absent: Vec<Vec<String>>,
    /// Floats that are whole numbers where they have no fraction.
    pub whole: Vec<Vec<String>>,
}

impl Notes {
    pub fn of(metadata: Option<&Vec<KeyValue>>) -> Self {
        let value = metadata.into_iter().flatten().find(|one| one.key == NOTES_KEY);
        let text = value.and_then(|one| one.value.as_deref()).unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// What stands at a place in every row.
pub(super) struct Node {
    /// `"name":`
    key: Vec<u8>,
    /// From this level on it is there; below it is null.
    def: i16,
    optional: bool,
    /// Where it is null it is not there at all.
    absent: bool,
    leaves: Range<usize>,
    shape: Shape,
}

enum Shape {
    Leaf,
    Object(Vec<Node>),
    /// Its elements are there from `def` on, and go on where `rep` is reached.
    List {
        def: i16,
        rep: i16,
        element: Box<Node>,
    },
    Map {
        def: i16,
        rep: i16,
        key: Box<Node>,
        value: Box<Node>,
    },
}

/// Why a row cannot be put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A text's bytes are none.
    Text,
    /// Columns do not fit together.
    Ended,
}

struct Builder<'a> {
    leaves: Vec<Leaf>,
    notes: &'a Notes,
    classes: &'a serde_json::Value,
    path: Vec<String>,
}

/// All columns of a schema.
pub(super) fn root(
    schema: &SchemaDescriptor,
    notes: &Notes,
    classes: &serde_json::Value,
) -> Result<(Vec<Node>, Vec<Leaf>)> {
    if schema.num_columns() > MOST_COLUMNS {
        bail!("{} columns, more than {MOST_COLUMNS}", schema.num_columns());
    }
    let mut builder = Builder { leaves: Vec::new(), notes, classes, path: Vec::new() };
    let fields = schema.root_schema().get_fields();
    let nodes: Result<Vec<Node>> = fields.iter().map(|field| builder.node(field, 0, 0)).collect();
    Ok((nodes?, builder.leaves))
}

impl Builder<'_> {
    /// A field under levels that its parents reach.
    fn node(&mut self, field: &Type, def: i16, rep: i16) -> Result<Node> {
        if self.path.len() > DEEPEST {
            bail!("columns nested too deep");
        }
        self.path.push(field.name().to_owned());
        let first = self.leaves.len();
        let repetition = field.get_basic_info().repetition();
        let node = if repetition == Repetition::REPEATED {
            // A list by itself, always there.
            self.path.push("[]".to_owned());
            let element = self.value(field, def + 1, rep + 1, false)?;
            self.path.pop();
            let shape = Shape::List { def: def + 1, rep: rep + 1, element: Box::new(element) };
            Node {
                key: Vec::new(),
                def,
                optional: false,
                absent: false,
                leaves: first..self.leaves.len(),
                shape,
            }
        } else {
            let optional = repetition == Repetition::OPTIONAL;
            self.value(field, def + i16::from(optional), rep, optional)?
        };
        let absent = self.notes.absent.contains(&self.path);
        self.path.pop();
        let key = [&quoted(field.name()), b":".as_slice()].concat();
        Ok(Node { key, absent, ..node })
    }

    /// What a field holds, its repetition apart.
    fn value(&mut self, field: &Type, def: i16, rep: i16, optional: bool) -> Result<Node> {
        let first = self.leaves.len();
        let shape = if field.is_primitive() {
            self.leaf(field, def, rep);
            Shape::Leaf
        } else if field.get_fields().is_empty() {
            bail!("a group without fields");
        } else if is_list(field) {
            self.list(field, def, rep)?
        } else if let Some((key, value)) = map_of(field) {
            let key = Box::new(self.node(key, def + 1, rep + 1)?);
            let value = Box::new(self.node(value, def + 1, rep + 1)?);
            Shape::Map { def: def + 1, rep: rep + 1, key, value }
        } else {
            let fields: Result<_> = field.get_fields().iter().map(|one| self.node(one, def, rep)).collect();
            Shape::Object(fields?)
        };
        let leaves = first..self.leaves.len();
        Ok(Node { key: Vec::new(), def, optional, absent: false, leaves, shape })
    }

    fn list(&mut self, field: &Type, def: i16, rep: i16) -> Result<Shape> {
        let repeated = &field.get_fields()[0];
        let (def, rep) = (def + 1, rep + 1);
        self.path.push("[]".to_owned());
        let element = if is_element(repeated, field.name()) {
            self.value(repeated, def, rep, false)?
        } else {
            let inner = &repeated.get_fields()[0];
            let name = self.path.pop();
            let mut element = self.node_of_element(inner, def, rep)?;
            element.key.clear();
            self.path.extend(name);
            element
        };
        self.path.pop();
        Ok(Shape::List { def, rep, element: Box::new(element) })
    }

    /// As [`Self::node`], under the name that elements have in paths.
    fn node_of_element(&mut self, field: &Type, def: i16, rep: i16) -> Result<Node> {
        self.path.push("[]".to_owned());
        let repetition = field.get_basic_info().repetition();
        let optional = repetition == Repetition::OPTIONAL;
        let node = if repetition == Repetition::REPEATED {
            self.path.pop();
            return self.node(field, def, rep);
        } else {
            self.value(field, def + i16::from(optional), rep, optional)
        };
        self.path.pop();
        node
    }

    fn leaf(&mut self, field: &Type, def: i16, rep: i16) {
        let mut kind = Kind::of(field);
        kind.whole = self.notes.whole.contains(&self.path);
        kind.json |= self.path.len() == 1 && self.notes.json.contains(&self.path[0]);
        kind.classes = classes(self.classes, &self.path);
        self.leaves.push(Leaf::new(kind, def, rep));
    }
}

/// The names that `datasets` gives to a column's numbers: a `ClassLabel`, alone or in a list.
fn classes(features: &serde_json::Value, path: &[String]) -> Vec<String> {
    let mut feature = features;
    for name in path {
        feature = match name.as_str() {
            "[]" => {
                feature.get("feature").unwrap_or_else(|| feature.get(0).unwrap_or(&serde_json::Value::Null))
            }
            name => feature.get(name).unwrap_or(&serde_json::Value::Null),
        };
    }
    let named = feature.get("_type").and_then(serde_json::Value::as_str) == Some("ClassLabel");
    let names = feature.get("names").filter(|_| named).and_then(serde_json::Value::as_array);
    names.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn is_list(field: &Type) -> bool {
    let info = field.get_basic_info();
    let said = matches!(info.logical_type_ref(), Some(LogicalType::List))
        || info.converted_type() == ConvertedType::LIST;
    let fields = field.get_fields();
    said && fields.len() == 1 && fields[0].get_basic_info().repetition() == Repetition::REPEATED
}

/// Whether a list's repeated field is its element itself, as older programs write it.
fn is_element(repeated: &Type, list: &str) -> bool {
    repeated.is_primitive()
        || repeated.get_fields().len() != 1
        || repeated.name() == "array"
        || repeated.name() == format!("{list}_tuple")
}

fn map_of(field: &Type) -> Option<(&Type, &Type)> {
    let info = field.get_basic_info();
    let said = matches!(info.logical_type_ref(), Some(LogicalType::Map))
        || matches!(info.converted_type(), ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE);
    let [pairs] = field.get_fields() else { return None };
    if !said || pairs.is_primitive() || pairs.get_basic_info().repetition() != Repetition::REPEATED {
        return None;
    }
    match pairs.get_fields() {
        [key, value] => Some((key, value)),
        _ => None,
    }
}

/// Puts a row together as JSON, not yet canonical.
pub(super) fn write_row(root: &[Node], leaves: &mut [Leaf], line: &mut Vec<u8>) -> Result<(), Trouble> {
    let mut no_text = false;
    object(root, leaves, line, &mut no_text)?;
    if no_text { Err(Trouble::Text) } else { Ok(()) }
}

fn object(
    fields: &[Node],
    leaves: &mut [Leaf],
    line: &mut Vec<u8>,
    no_text: &mut bool,
) -> Result<(), Trouble> {
    line.push(b'{');
    let mut first = true;
    for field in fields {
        let level = leaves[field.leaves.start].def().ok_or(Trouble::Ended)?;
        if field.absent && level < field.def {
            pass(field, leaves);
            continue;
        }
        if !std::mem::take(&mut first) {
            line.push(b',');
        }
        line.extend_from_slice(&field.key);
        write(field, leaves, line, no_text)?;
    }
    line.push(b'}');
    Ok(())
}

fn write(node: &Node, leaves: &mut [Leaf], line: &mut Vec<u8>, no_text: &mut bool) -> Result<(), Trouble> {
    let level = leaves[node.leaves.start].def().ok_or(Trouble::Ended)?;
    if node.optional && level < node.def {
        pass(node, leaves);
        line.extend_from_slice(b"null");
        return Ok(());
    }
    match &node.shape {
        Shape::Leaf => *no_text |= !leaves[node.leaves.start].take(line),
        Shape::Object(fields) => object(fields, leaves, line, no_text)?,
        Shape::List { def, rep, element } => {
            line.push(b'[');
            if level < *def {
                pass(node, leaves);
            } else {
                loop {
                    write(element, leaves, line, no_text)?;
                    // Only at the same depth or deeper it goes on: a lower one begins another list, or row.
                    if leaves[node.leaves.start].rep().is_none_or(|next| next < *rep) {
                        break;
                    }
                    line.push(b',');
                }
            }
            line.push(b']');
        }
        Shape::Map { def, rep, key, value } => {
            line.push(b'{');
            if level < *def {
                pass(node, leaves);
            } else {
                loop {
                    let from = line.len();
                    write(key, leaves, line, no_text)?;
                    as_key(line, from);
                    line.push(b':');
                    write(value, leaves, line, no_text)?;
                    if leaves[node.leaves.start].rep().is_none_or(|next| next < *rep) {
                        break;
                    }
                    line.push(b',');
                }
            }
            line.push(b'}');
        }
    }
    Ok(())
}

/// Makes a string of what is none: JSON's keys are strings.
fn as_key(line: &mut Vec<u8>, from: usize) {
    if line.get(from) != Some(&b'"') {
        let text = line.split_off(from);
        super::push_string(&text, line);
    }
}

fn pass(node: &Node, leaves: &mut [Leaf]) {
    for leaf in &mut leaves[node.leaves.clone()] {
        leaf.pass();
    }
}
