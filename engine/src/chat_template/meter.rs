//! What a template may spend: steps, and bytes made. Everything an evaluation allocates or walks is paid for
//! here first, so that no template can hang the program or fill the memory.

use std::cell::Cell;

/// Why an evaluation ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The template called `raise_exception`.
    Raised(String),
    /// It would have cost more than a template may.
    Limit(&'static str),
    /// It does something that jinja2 would refuse, or that is not known here.
    Fault(String),
    Break,
    Continue,
}

pub(super) type Res<T> = Result<T, Stop>;

pub(super) fn fault<T>(what: impl Into<String>) -> Res<T> {
    Err(Stop::Fault(what.into()))
}

const STEPS: u64 = 5_000_000;
const STEPS_PER_INPUT_BYTE: u64 = 16;
const BYTES: u64 = 48 << 20;
const BYTES_PER_INPUT_BYTE: u64 = 64;
/// Bytes looked at in one step.
const SCAN: usize = 64;

pub(super) struct Meter {
    steps: Cell<u64>,
    bytes: Cell<u64>,
}

impl Meter {
    /// Long conversations may cost more than short ones.
    pub(super) fn new(input_bytes: usize) -> Self {
        let input = (input_bytes as u64).min(64 << 20);
        Self {
            steps: Cell::new(STEPS + input * STEPS_PER_INPUT_BYTE),
            bytes: Cell::new(BYTES + input * BYTES_PER_INPUT_BYTE),
        }
    }

    /// `n` units of work.
    pub(super) fn step(&self, n: usize) -> Res<()> {
        match self.steps.get().checked_sub(n as u64) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => Err(Stop::Limit("the template takes too many steps")),
        }
    }

    /// Looking through `n` bytes.
    pub(super) fn scan(&self, n: usize) -> Res<()> {
        self.step(1 + n / SCAN)
    }

    /// Making something of `n` bytes. What is freed again is not given back.
    pub(super) fn grow(&self, n: usize) -> Res<()> {
        self.scan(n)?;
        match self.bytes.get().checked_sub(n as u64) {
            Some(left) => {
                self.bytes.set(left);
                Ok(())
            }
            None => Err(Stop::Limit("the template makes too much text")),
        }
    }
}
