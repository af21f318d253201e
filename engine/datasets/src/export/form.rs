//! Which columns of Parquet hold what was seen, and what the library `datasets` calls them.

use super::seen::{Numbers, Object, Seen};
use crate::formats::Notes;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};
use std::fmt::Write as _;
use std::sync::Arc;

/// Lists and objects within each other beyond this are written as JSON.
const DEEPEST: usize = 20;

#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Bool,
    Int,
    Unsigned,
    /// Whether those without a fraction are whole numbers.
    Float {
        whole: bool,
    },
    Text,
    /// A text that is JSON.
    Json,
    List(Box<Form>),
    Object(Vec<Member>),
}

#[derive(Debug, PartialEq)]
pub(super) struct Member {
    pub name: String,
    pub form: Form,
    /// Where it is null it is not there.
    pub absent: bool,
}

/// The columns of rows.
pub(super) fn columns(rows: &Object) -> Vec<Member> {
    let fields = rows.fields.iter().enumerate();
    fields
        .map(|(place, (name, seen))| Member {
            name: name.clone(),
            form: Form::of(seen, 0).unwrap_or(Form::Json),
            absent: rows.is_absent_for_null(place),
        })
        .collect()
}

impl Form {
    /// The one form of all that was seen; `None`: no form holds all of it.
    fn of(seen: &Seen, depth: usize) -> Option<Self> {
        let numbers = &seen.numbers;
        let any_number = numbers.whole || numbers.floats_with || numbers.floats_without;
        let kinds = [seen.bools, seen.texts, any_number, seen.list.is_some(), seen.object.is_some()];
        match kinds {
            _ if depth > DEEPEST => None,
            // Nothing but nulls: any will do.
            [false, false, false, false, false] => Some(Self::Text),
            [true, false, false, false, false] => Some(Self::Bool),
            [false, true, false, false, false] => Some(Self::Text),
            [false, false, true, false, false] => Self::of_numbers(numbers),
            [false, false, false, true, false] => {
                let inner = Self::of(seen.list.as_deref()?, depth + 1)?;
                Some(Self::List(Box::new(inner)))
            }
            [false, false, false, false, true] => Self::of_object(seen.object.as_ref()?, depth),
            _ => None,
        }
    }

    fn of_numbers(numbers: &Numbers) -> Option<Self> {
        let floats = numbers.floats_with || numbers.floats_without;
        match (numbers.whole, floats) {
            (true, false) if !numbers.large => Some(Self::Int),
            (true, false) if !numbers.negative => Some(Self::Unsigned),
            (false, true) => Some(Self::Float { whole: false }),
            (true, true) if !numbers.floats_without && !numbers.beyond_float => {
                Some(Self::Float { whole: true })
            }
            _ => None,
        }
    }

    fn of_object(object: &Object, depth: usize) -> Option<Self> {
        if object.too_many || object.fields.is_empty() {
            return None;
        }
        let member = |(place, (name, seen)): (usize, &(String, Seen))| {
            let form = Self::of(seen, depth + 1)?;
            Some(Member { name: name.clone(), form, absent: object.is_absent_for_null(place) })
        };
        Some(Self::Object(object.fields.iter().enumerate().map(member).collect::<Option<_>>()?))
    }

    /// As a field of a schema: all fields may be null.
    fn field(&self, name: &str) -> Result<Type> {
        let of = |physical, logical| {
            Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()
        };
        match self {
            Self::Bool => of(Physical::BOOLEAN, None),
            Self::Int => of(Physical::INT64, None),
            Self::Unsigned => of(Physical::INT64, Some(LogicalType::integer(64, false))),
            Self::Float { .. } => of(Physical::DOUBLE, None),
            Self::Text | Self::Json => of(Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Self::List(element) => {
                let list = Type::group_type_builder("list")
                    .with_repetition(Repetition::REPEATED)
                    .with_fields(vec![Arc::new(element.field("element")?)])
                    .build()?;
                Type::group_type_builder(name)
                    .with_repetition(Repetition::OPTIONAL)
                    .with_logical_type(Some(LogicalType::List))
                    .with_fields(vec![Arc::new(list)])
                    .build()
            }
            Self::Object(members) => Type::group_type_builder(name)
                .with_repetition(Repetition::OPTIONAL)
                .with_fields(fields(members)?)
                .build(),
        }
    }

    /// What a file says of it beyond its schema.
    fn note(&self, path: &mut Vec<String>, notes: &mut Notes) {
        match self {
            Self::Float { whole: true } => notes.whole.push(path.clone()),
            Self::List(element) => {
                path.push("[]".to_owned());
                element.note(path, notes);
                path.pop();
            }
            Self::Object(members) => note_all(members, path, notes),
            _ => {}
        }
    }

    /// As the header of a card describes it, after a key or a dash on the same line.
    fn describe(&self, depth: usize, alone: bool, out: &mut String) {
        let indent = "  ".repeat(depth);
        let dtype = match self {
            Self::Bool => "bool",
            Self::Int => "int64",
            Self::Unsigned => "uint64",
            Self::Float { .. } => "float64",
            Self::Text | Self::Json => "string",
            Self::List(element) => {
                put(out, format_args!("{indent}list:"));
                element.describe_inside(depth, out);
                return;
            }
            Self::Object(members) => {
                put(out, format_args!("{indent}struct:\n"));
                describe(members, depth, out);
                return;
            }
        };
        if alone {
            put(out, format_args!(" {dtype}\n"));
        } else {
            put(out, format_args!("{indent}dtype: {dtype}\n"));
        }
    }

    fn describe_inside(&self, depth: usize, out: &mut String) {
        match self {
            Self::List(_) => {
                out.push('\n');
                self.describe(depth + 1, false, out);
            }
            Self::Object(members) => {
                out.push('\n');
                describe(members, depth, out);
            }
            _ => self.describe(depth, true, out),
        }
    }
}

fn fields(members: &[Member]) -> Result<Vec<TypePtr>> {
    members.iter().map(|one| Ok(Arc::new(one.form.field(&one.name)?))).collect()
}

/// The schema of rows with these columns.
pub(super) fn schema(columns: &[Member]) -> Result<TypePtr> {
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields(columns)?).build()?))
}

/// What a file with these columns says beyond its schema.
pub(super) fn notes(columns: &[Member]) -> Notes {
    let mut notes = Notes::default();
    note_all(columns, &mut Vec::new(), &mut notes);
    notes.json.extend(columns.iter().filter(|one| one.form == Form::Json).map(|one| one.name.clone()));
    notes
}

fn note_all(members: &[Member], path: &mut Vec<String>, notes: &mut Notes) {
    for member in members {
        path.push(member.name.clone());
        if member.absent {
            notes.absent.push(path.clone());
        }
        member.form.note(path, notes);
        path.pop();
    }
}

/// `features` of a card, as YAML.
pub(super) fn describe(members: &[Member], depth: usize, out: &mut String) {
    for member in members {
        let indent = "  ".repeat(depth);
        let name = serde_json::to_string(&member.name).unwrap_or_default();
        put(out, format_args!("{indent}- name: {name}\n"));
        member.form.describe(depth + 1, false, out);
    }
}

fn put(out: &mut String, text: std::fmt::Arguments) {
    // Writing into memory does not fail.
    out.write_fmt(text).unwrap_or_default();
}
