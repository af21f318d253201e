//! Tables with commas: every text in quotes and nothing else, so that reading tells `"1"` from `1`. Lists and
//! objects are JSON in quotes; null is an empty cell.

use super::aside::Aside;
use super::{Rows, first_pass, in_fields};
use crate::Tick;
use crate::formats::{cell, push_quoted};
use anyhow::Result;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;

pub(super) fn write(rows: &dyn Rows, to: &Path, tick: Tick<'_>) -> Result<(u64, u64)> {
    let (columns, n) = first_pass(rows, tick, &mut |_, _| {})?;
    let names: Vec<String> = columns.records().into_iter().map(|one| one.name).collect();
    let places: HashMap<Vec<u8>, usize> =
        names.iter().enumerate().map(|(at, name)| (key_of(name), at)).collect();
    let mut file = Aside::create(to)?;
    let (mut record, mut line, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            record.push(b',');
        }
        push_quoted(name.as_bytes(), &mut record);
    }
    record.push(b'\n');
    file.write_all(&record)?;
    let mut values: Vec<Option<std::ops::Range<usize>>> = vec![None; names.len()];
    let told = |done: u64| tick(n + done);
    rows.for_each(&told, &mut |_, row| {
        in_fields(row, &mut line, &mut fields)?;
        values.fill(None);
        for field in &fields {
            if let Some(place) = places.get(&line[field.key.clone()]) {
                values[*place] = Some(field.value.clone());
            }
        }
        record.clear();
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                record.push(b',');
            }
            let value = value.clone().map_or(&b"null"[..], |value| &line[value]);
            // Alone on its line an empty cell would be a blank one.
            if values.len() == 1 && value == b"null" {
                record.extend_from_slice(value);
            } else {
                cell(value, &mut record);
            }
        }
        record.push(b'\n');
        Ok(file.write_all(&record)?)
    })?;
    Ok((n, file.put_in_place()?))
}

/// A name as it stands between the quotes of a line.
fn key_of(name: &str) -> Vec<u8> {
    let quoted = serde_json::to_string(name).unwrap_or_default();
    quoted.as_bytes()[1..quoted.len().max(2) - 1].to_vec()
}
