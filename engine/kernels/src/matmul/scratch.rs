//! Working memory that stays with its thread from call to call.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::arena::{Block, Plain};

thread_local! {
    /// What no call of this thread is using. Calls nest, so blocks come and go like a stack, and each meets
    /// the same use again.
    static FREE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Values on loan from this thread, initialised to what an earlier call left.
pub(super) struct Scratch<T: Plain> {
    block: Block,
    len: usize,
    values: std::marker::PhantomData<T>,
}

pub(super) fn take<T: Plain>(len: usize) -> Scratch<T> {
    let mut block = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
    let lines = Block::lines_for::<T>(len);
    if block.lines() < lines {
        // Freed first, so that the two are never held at once.
        drop(block);
        block = Block::new(lines);
    }
    Scratch { block, len, values: std::marker::PhantomData }
}

impl<T: Plain> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.block.values(self.len)
    }
}

impl<T: Plain> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.block.values_mut(self.len)
    }
}

impl<T: Plain> Drop for Scratch<T> {
    fn drop(&mut self) {
        let block = std::mem::take(&mut self.block);
        FREE.with_borrow_mut(|free| free.push(block));
    }
}
