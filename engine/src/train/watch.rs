//! Whether somebody still wants what is being computed: looked for between layers, between the products of a head, and
//! inside of kernels.

use crate::failure::Cancelled;
use anyhow::Result;
use glassworks_kernels::pool;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What `work` makes with kernels that leave off once `stop` is set.
///
/// # Errors
/// [`Cancelled`] if it was set before the end: numbers that were left out do not show. And what `work` returns.
pub fn whole<R>(stop: Option<&Arc<AtomicBool>>, work: impl FnOnce() -> Result<R>) -> Result<R> {
    let made = pool::until(stop, work)?;
    if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) { Err(Cancelled.into()) } else { Ok(made) }
}

/// Looks between the products of the head whether to go on, and keeps the reason why not.
pub struct Watch<'a> {
    between: &'a dyn Fn() -> Result<()>,
    stopped: Cell<Option<anyhow::Error>>,
}

impl<'a> Watch<'a> {
    pub fn new(between: &'a dyn Fn() -> Result<()>) -> Self {
        Self { between, stopped: Cell::new(None) }
    }

    #[must_use]
    pub fn goes_on(&self) -> bool {
        let stopped = (self.between)().err();
        let goes_on = stopped.is_none();
        self.stopped.set(stopped);
        goes_on
    }

    /// # Errors
    /// The reason, if there was one.
    pub fn end(self) -> Result<()> {
        self.stopped.into_inner().map_or(Ok(()), Err)
    }
}
