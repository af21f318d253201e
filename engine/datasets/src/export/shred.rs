//! Values into columns of Parquet, with the levels that say how lists and objects lie in each other (Dremel).

use super::form::{Form, Member};
use anyhow::{Result, bail};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::writer::SerializedRowGroupWriter;
use serde_json::Value;
use std::io::Write;

/// Values of one column, for a group of rows.
#[derive(Debug)]
pub(super) struct Column {
    values: Values,
    defs: Vec<i16>,
    reps: Vec<i16>,
}

#[derive(Debug)]
enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Text(Vec<ByteArray>),
}

/// Empty columns for what rows hold.
pub(super) fn columns(members: &[Member]) -> Vec<Column> {
    let mut columns = Vec::new();
    members.iter().for_each(|one| begin(&one.form, &mut columns));
    columns
}

fn begin(form: &Form, columns: &mut Vec<Column>) {
    let values = match form {
        Form::Bool => Values::Bool(Vec::new()),
        Form::Int | Form::Unsigned => Values::Int(Vec::new()),
        Form::Float { .. } => Values::Float(Vec::new()),
        Form::Text | Form::Json => Values::Text(Vec::new()),
        Form::List(element) => return begin(element, columns),
        Form::Object(members) => return members.iter().for_each(|one| begin(&one.form, columns)),
    };
    columns.push(Column { values, defs: Vec::new(), reps: Vec::new() });
}

fn n_columns(form: &Form) -> usize {
    match form {
        Form::List(element) => n_columns(element),
        Form::Object(members) => members.iter().map(|one| n_columns(&one.form)).sum(),
        _ => 1,
    }
}

/// Puts a row into its columns.
pub(super) fn put_row(members: &[Member], row: &Value, columns: &mut [Column]) -> Result<()> {
    put_members(members, row, Levels { def: 0, rep: 0, depth: 0 }, columns)
}

/// How much of the path is there, at which depth a list goes on, and how many lists are around.
#[derive(Clone, Copy)]
struct Levels {
    def: i16,
    rep: i16,
    depth: i16,
}

fn put_members(members: &[Member], value: &Value, levels: Levels, mut columns: &mut [Column]) -> Result<()> {
    for member in members {
        let (own, rest) = columns.split_at_mut(n_columns(&member.form));
        put(&member.form, value.get(&member.name), levels, own)?;
        columns = rest;
    }
    Ok(())
}

fn put(form: &Form, value: Option<&Value>, levels: Levels, columns: &mut [Column]) -> Result<()> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        columns.iter_mut().for_each(|one| one.level(levels));
        return Ok(());
    };
    let there = Levels { def: levels.def + 1, ..levels };
    match (form, value) {
        (Form::Object(members), Value::Object(_)) => put_members(members, value, there, columns),
        (Form::List(_), Value::Array(list)) if list.is_empty() => {
            columns.iter_mut().for_each(|one| one.level(there));
            Ok(())
        }
        (Form::List(element), Value::Array(list)) => {
            let depth = levels.depth + 1;
            list.iter().enumerate().try_for_each(|(at, one)| {
                let rep = if at == 0 { levels.rep } else { depth };
                put(element, Some(one), Levels { def: there.def + 1, rep, depth }, columns)
            })
        }
        _ => columns[0].value(form, value, there),
    }
}

impl Column {
    fn level(&mut self, levels: Levels) {
        self.defs.push(levels.def);
        self.reps.push(levels.rep);
    }

    fn value(&mut self, form: &Form, value: &Value, levels: Levels) -> Result<()> {
        self.level(levels);
        match (&mut self.values, form, value) {
            (Values::Bool(values), _, Value::Bool(value)) => values.push(*value),
            (Values::Int(values), _, Value::Number(value)) => match (value.as_i64(), value.as_u64()) {
                (Some(value), _) => values.push(value),
                (None, Some(value)) => values.push(i64::from_ne_bytes(value.to_ne_bytes())),
                _ => bail!("a float among whole numbers"),
            },
            (Values::Float(values), _, Value::Number(value)) => {
                values.push(value.as_f64().unwrap_or_default())
            }
            (Values::Text(values), Form::Json, value) => {
                values.push(ByteArray::from(value.to_string().into_bytes()))
            }
            (Values::Text(values), _, Value::String(value)) => values.push(ByteArray::from(value.as_str())),
            _ => bail!("a row has changed while it was written"),
        }
        Ok(())
    }
}

/// Writes a group of rows, and empties the columns.
pub(super) fn write<W: Write + Send>(
    columns: &mut [Column],
    mut group: SerializedRowGroupWriter<'_, W>,
) -> parquet::errors::Result<()> {
    let mut left = columns.iter_mut();
    while let Some(mut writer) = group.next_column()? {
        let Some(column) = left.next() else { break };
        let (defs, reps) = (Some(column.defs.as_slice()), Some(column.reps.as_slice()));
        match (writer.untyped(), &mut column.values) {
            (ColumnWriter::BoolColumnWriter(to), Values::Bool(values)) => {
                to.write_batch(values, defs, reps)?;
                values.clear();
            }
            (ColumnWriter::Int64ColumnWriter(to), Values::Int(values)) => {
                to.write_batch(values, defs, reps)?;
                values.clear();
            }
            (ColumnWriter::DoubleColumnWriter(to), Values::Float(values)) => {
                to.write_batch(values, defs, reps)?;
                values.clear();
            }
            (ColumnWriter::ByteArrayColumnWriter(to), Values::Text(values)) => {
                to.write_batch(values, defs, reps)?;
                values.clear();
            }
            _ => {}
        }
        column.defs.clear();
        column.reps.clear();
        writer.close()?;
    }
    group.close()?;
    Ok(())
}
