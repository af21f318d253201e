//! Arguments of a call, by position and by name.

use super::meter::{Res, fault};
use super::value::Val;

#[derive(Default)]
pub(super) struct Args {
    pub(super) positional: Vec<Val>,
    pub(super) named: Vec<(String, Val)>,
}

impl Args {
    /// The argument that is the `at`th or is called `name`.
    pub(super) fn get(&self, at: usize, name: &str) -> Option<&Val> {
        self.positional.get(at).or_else(|| self.named(name))
    }

    pub(super) fn named(&self, name: &str) -> Option<&Val> {
        self.named.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    pub(super) fn need(&self, at: usize, name: &str) -> Res<&Val> {
        self.get(at, name).map_or_else(|| fault(format!("the argument {name} is missing")), Ok)
    }

    pub(super) fn text(&self, at: usize, name: &str) -> Res<&str> {
        let value = self.need(at, name)?;
        value.as_str().map_or_else(|| fault(format!("{name} must be a string, not {}", value.kind())), Ok)
    }

    /// Text, unless it is absent or none.
    pub(super) fn text_or_none(&self, at: usize, name: &str) -> Res<Option<&str>> {
        match self.get(at, name) {
            None | Some(Val::None) => Ok(None),
            Some(_) => self.text(at, name).map(Some),
        }
    }

    pub(super) fn int_or(&self, at: usize, name: &str, default: i128) -> Res<i128> {
        match self.get(at, name) {
            None | Some(Val::None) => Ok(default),
            Some(value) => value
                .as_int()
                .map_or_else(|| fault(format!("{name} must be an integer, not {}", value.kind())), Ok),
        }
    }

    /// A length: not negative, and bounded by what the meter could ever allow.
    pub(super) fn size_or(&self, at: usize, name: &str, default: usize) -> Res<usize> {
        let size = self.int_or(at, name, default as i128)?;
        Ok(usize::try_from(size.max(0)).unwrap_or(usize::MAX))
    }

    pub(super) fn flag_or(&self, at: usize, name: &str, default: bool) -> bool {
        self.get(at, name).map_or(default, Val::is_true)
    }

    /// Without the first `n` positional ones.
    pub(super) fn rest(mut self, n: usize) -> Self {
        self.positional.drain(..n.min(self.positional.len()));
        self
    }
}
