//! What is known of rows without reading them: `NNNN.facts` beside a segment, made anew whenever it is missing, torn,
//! or of another mapping.

use super::check::Checker;
use super::disk::{self, Numbers};
use super::hash::Hash;
use super::labels::Labels;
use super::segment::{self, Segment};
use crate::Tick;
use crate::steps::Pace;
use anyhow::Result;
use glassworks_protocol::datasets::{Mapping, RowFlags};
use std::collections::HashMap;
use std::path::Path;

const MAGIC: &[u8; 8] = b"gwfacts1";

/// What is known of a row, under the table's mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Of all that is mapped but groups: rows that say the same have the same.
    pub hash: u64,
    /// Characters of all that is read.
    pub n_chars: u32,
    /// The row's set in the table's [`Labels`].
    pub labels: u32,
    pub flags: RowFlags,
}

/// The facts of a segment's rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct FactsList {
    hashes: Vec<u64>,
    n_chars: Vec<u32>,
    labels: Vec<u32>,
    flags: Vec<u16>,
}

impl FactsList {
    pub(crate) fn push(&mut self, facts: Facts) {
        self.hashes.push(facts.hash);
        self.n_chars.push(facts.n_chars);
        self.labels.push(facts.labels);
        self.flags.push(facts.flags.0);
    }

    pub(crate) fn get(&self, index: u32) -> Option<Facts> {
        let at = index as usize;
        Some(Facts {
            hash: *self.hashes.get(at)?,
            n_chars: *self.n_chars.get(at)?,
            labels: *self.labels.get(at)?,
            flags: RowFlags(*self.flags.get(at)?),
        })
    }

    pub(crate) fn shrink(&mut self) {
        self.hashes.shrink_to_fit();
        self.n_chars.shrink_to_fit();
        self.labels.shrink_to_fit();
        self.flags.shrink_to_fit();
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.hashes.capacity() * 8
            + (self.n_chars.capacity() + self.labels.capacity()) * 4
            + self.flags.capacity() * 2
    }

    /// Writes them beside the segment. They can be made anew, so a full disk is no failure.
    pub(crate) fn keep(&self, folder: &Path, number: u32, mapping: u64, labels: &Labels) {
        let bytes = disk::count(self.hashes.len()).map(|n_rows| self.bytes(n_rows, mapping, labels));
        if let Ok(bytes) = bytes {
            drop(disk::write_loose(&segment::path(folder, number, "facts"), &bytes));
        }
    }

    fn bytes(&self, n_rows: u32, mapping: u64, labels: &Labels) -> Vec<u8> {
        let (mut sets, mut own, mut numbers) = (Vec::new(), HashMap::new(), Vec::new());
        for set in &self.labels {
            let number = *own.entry(*set).or_insert_with(|| {
                sets.push(labels.names(*set));
                disk::count(sets.len() - 1).unwrap_or(u32::MAX)
            });
            numbers.push(number);
        }
        let sets = serde_json::to_vec(&sets).unwrap_or_default();
        let mut bytes = Vec::with_capacity(self.hashes.len() * 18 + sets.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&mapping.to_le_bytes());
        bytes.extend_from_slice(&n_rows.to_le_bytes());
        bytes.extend_from_slice(&(sets.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&sets);
        self.hashes.iter().for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
        self.n_chars.iter().chain(&numbers).for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
        self.flags.iter().for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
        disk::seal(&mut bytes);
        bytes
    }

    fn read(bytes: &[u8], n_rows: u32, mapping: u64, labels: &mut Labels) -> Option<Self> {
        let mut numbers = Numbers(disk::unseal(bytes)?);
        if numbers.bytes(8)? != MAGIC || numbers.u64()? != mapping || numbers.u32()? != n_rows {
            return None;
        }
        let n = usize::try_from(n_rows).ok()?;
        let n_sets = usize::try_from(numbers.u64()?).ok()?;
        let sets: Vec<Vec<String>> = serde_json::from_slice(numbers.bytes(n_sets)?).ok()?;
        let (hashes, n_chars) = (numbers.u64s(n)?, numbers.u32s(n)?);
        let (mut own, flags) = (numbers.u32s(n)?, numbers.u16s(n)?);
        let sets: Vec<u32> = sets.iter().map(|names| labels.number(names)).collect();
        for set in &mut own {
            *set = *sets.get(*set as usize)?;
        }
        Some(Self { hashes, n_chars, labels: own, flags })
    }

    /// Those of a segment: read, or computed and kept.
    pub(crate) fn of(segment: &Segment, folder: &Path, cx: &mut Reckoner, tick: Tick<'_>) -> Result<Self> {
        let record = segment.record();
        let kept = std::fs::read(segment::path(folder, record.number, "facts")).unwrap_or_default();
        if let Some(facts) = Self::read(&kept, record.n_rows, cx.mapping, &mut cx.labels) {
            return Ok(facts);
        }
        let (mut facts, mut pace, mut n) = (Self::default(), Pace::new(tick), 0);
        segment.for_each(&mut |line| {
            facts.push(cx.facts(line));
            n += 1;
            pace.passed(line.len(), n)
        })?;
        facts.shrink();
        facts.keep(folder, record.number, cx.mapping, &cx.labels);
        Ok(facts)
    }
}

/// Computes facts under one mapping.
#[derive(Clone, Debug)]
pub(crate) struct Reckoner {
    pub(crate) checker: Checker,
    pub(crate) labels: Labels,
    /// The mapping's number, as facts on disk name it.
    pub(crate) mapping: u64,
    names: Vec<String>,
}

impl Reckoner {
    pub(crate) fn new(mapping: &Mapping, labels: Labels) -> Self {
        let mut hash = Hash::new();
        hash.piece(&serde_json::to_vec(mapping).unwrap_or_default());
        Self { checker: Checker::new(mapping), labels, mapping: hash.value(), names: Vec::new() }
    }

    pub(crate) fn facts(&mut self, line: &[u8]) -> Facts {
        self.names.clear();
        let read = self.checker.read(line, &mut self.names);
        let labels = self.labels.number(&self.names);
        Facts { hash: read.hash, n_chars: read.n_chars, labels, flags: read.flags }
    }

    /// The same, where the row has no labels but those that are known.
    pub(crate) fn known_facts(&self, line: &[u8]) -> Option<Facts> {
        let mut names = Vec::new();
        let read = self.checker.read(line, &mut names);
        let labels = self.labels.known(&names)?;
        Some(Facts { hash: read.hash, n_chars: read.n_chars, labels, flags: read.flags })
    }
}
