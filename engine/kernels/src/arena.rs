//! Buffers that are used again: a warm training step takes no new memory and so no page faults.
#![expect(unsafe_code, reason = "one aligned block of memory serves values of several types")]

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use half::bf16;

/// Buffers that come back when dropped and are lent again. Clones share them.
#[derive(Clone, Default)]
pub struct Arena {
    shared: Arc<Mutex<Store>>,
}

/// A cache line, and the unit in which memory is taken.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

pub(crate) const LINE_BYTES: usize = size_of::<Line>();

/// Initialised memory, aligned to a cache line, for values of any plain type.
#[derive(Clone, Default)]
pub(crate) struct Block(Vec<Line>);

impl Block {
    pub(crate) fn lines_for<T: Plain>(len: usize) -> usize {
        (len * size_of::<T>()).div_ceil(LINE_BYTES)
    }

    pub(crate) fn new(lines: usize) -> Self {
        Self(vec![Line([0; LINE_BYTES]); lines])
    }

    pub(crate) fn lines(&self) -> usize {
        self.0.len()
    }

    /// # Panics
    /// If there is no room for `len` values.
    #[inline]
    pub(crate) fn values<T: Plain>(&self, len: usize) -> &[T] {
        assert!(len * size_of::<T>() <= self.0.len() * LINE_BYTES);
        // SAFETY: there is room for `len` values of T, aligned to more than T asks, initialised since lines are,
        // and any bytes are a T (`Plain`).
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), len) }
    }

    /// # Panics
    /// If there is no room for `len` values.
    #[inline]
    pub(crate) fn values_mut<T: Plain>(&mut self, len: usize) -> &mut [T] {
        assert!(len * size_of::<T>() <= self.0.len() * LINE_BYTES);
        // SAFETY: as in `values`, and the memory is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), len) }
    }
}

#[derive(Default)]
struct Store {
    /// What is free, by its number of lines.
    free: BTreeMap<usize, Vec<Block>>,
    lent_lines: usize,
    /// What those on loan were asked for; blocks that are used again may be larger.
    asked_lines: usize,
    most_asked: usize,
    free_lines: usize,
    peak_lines: usize,
    /// What is held at most, while giving back what is free is enough for that.
    most_lines: Option<usize>,
}

mod sealed {
    /// Any bytes are a value, and its alignment is at most a line's.
    pub trait Plain: Copy + 'static {}
    impl Plain for f32 {}
    impl Plain for half::bf16 {}
    impl Plain for u16 {}
    impl Plain for i8 {}
    impl Plain for u8 {}
    impl Plain for i32 {}
}
pub(crate) use sealed::Plain;

/// A buffer on loan, `len` values of `T` starting on a cache line; goes back when dropped.
pub struct Buf<T: Plain = f32> {
    block: Block,
    len: usize,
    asked_lines: usize,
    home: Arc<Mutex<Store>>,
    values: PhantomData<T>,
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    // The store is whole between its statements: a panic elsewhere leaves nothing half done.
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Arena {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `len` values of f32. They are initialised, but to what an earlier user left.
    #[must_use]
    pub fn take(&self, len: usize) -> Buf {
        self.lend(len)
    }

    /// `len` zeros of f32.
    #[must_use]
    pub fn zeroed(&self, len: usize) -> Buf {
        let mut buf = self.take(len);
        buf.fill(0.0);
        buf
    }

    /// `len` values of bf16, initialised to what an earlier user left.
    #[must_use]
    pub fn take_bf16(&self, len: usize) -> Buf<bf16> {
        self.lend(len)
    }

    /// `len` zeros of bf16.
    #[must_use]
    pub fn zeroed_bf16(&self, len: usize) -> Buf<bf16> {
        let mut buf = self.take_bf16(len);
        buf.fill(bf16::ZERO);
        buf
    }

    /// The most memory, lent and free, that was held at one time.
    #[must_use]
    pub fn peak_bytes(&self) -> usize {
        lock(&self.shared).peak_lines * LINE_BYTES
    }

    /// The memory held now, lent and free.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let store = lock(&self.shared);
        (store.lent_lines + store.free_lines) * LINE_BYTES
    }

    /// From now on holds no more than so many bytes: before memory is taken beyond them, what is free goes back to the
    /// system, the largest first. What is on loan at one time is lent all the same, and is the most from then on.
    pub fn hold_to(&self, bytes: usize) {
        lock(&self.shared).most_lines = Some(bytes / LINE_BYTES);
    }

    /// [`Self::hold_to`] what was held at most until now: after a pass over the longest batch, shorter ones take no
    /// more, whatever their lengths.
    pub fn hold_to_peak(&self) {
        let mut store = lock(&self.shared);
        store.most_lines = Some(store.peak_lines);
    }

    /// Gives back to the system what is not on loan; the peak starts anew.
    pub fn trim(&self) {
        let free = {
            let mut store = lock(&self.shared);
            store.free_lines = 0;
            store.peak_lines = store.lent_lines;
            std::mem::take(&mut store.free)
        };
        drop(free);
    }

    fn lend<T: Plain>(&self, len: usize) -> Buf<T> {
        let asked_lines = Block::lines_for::<T>(len);
        let found = lock(&self.shared).find(asked_lines);
        let block = found.unwrap_or_else(|too_many| {
            // First what goes, so that the two are never held at once.
            drop(too_many);
            Block::new(asked_lines)
        });
        Buf { block, len, asked_lines, home: Arc::clone(&self.shared), values: PhantomData }
    }
}

impl Store {
    /// Lends a free block that fits; where there is none, says what has to go before a new one is taken.
    fn find(&mut self, asked: usize) -> Result<Block, Vec<Block>> {
        match self.reuse(asked) {
            Some(block) => {
                self.lent(block.lines(), asked);
                Ok(block)
            }
            None => {
                let too_many = self.make_room(asked);
                self.lent(asked, asked);
                Err(too_many)
            }
        }
    }

    /// The smallest free block that fits; one that would waste more than a quarter stays where it is, and so does one
    /// whose waste would bring what is held beyond the most, if as much as ever was asked for again.
    fn reuse(&mut self, asked: usize) -> Option<Block> {
        let most = asked + (asked / 4).min(self.may_waste());
        let size = *self.free.range(asked..=most).next()?.0;
        let blocks = self.free.get_mut(&size)?;
        let block = blocks.pop()?;
        if blocks.is_empty() {
            self.free.remove(&size);
        }
        self.free_lines -= size;
        Some(block)
    }

    fn may_waste(&self) -> usize {
        let wasted = self.lent_lines - self.asked_lines;
        self.most_lines.map_or(usize::MAX, |most| most.saturating_sub(self.most_asked + wasted))
    }

    /// The free blocks, largest first, without which there is room for `lines` more.
    fn make_room(&mut self, lines: usize) -> Vec<Block> {
        let mut gone = Vec::new();
        let Some(most) = self.most_lines else { return gone };
        while self.lent_lines + self.free_lines + lines > most {
            let Some(mut largest) = self.free.last_entry() else { break };
            self.free_lines -= *largest.key();
            gone.extend(largest.get_mut().pop());
            if largest.get().is_empty() {
                largest.remove();
            }
        }
        gone
    }

    fn lent(&mut self, lines: usize, asked: usize) {
        self.lent_lines += lines;
        self.asked_lines += asked;
        self.most_asked = self.most_asked.max(self.asked_lines);
        self.peak_lines = self.peak_lines.max(self.lent_lines + self.free_lines);
        self.most_lines = self.most_lines.map(|most| most.max(self.lent_lines));
    }
}

impl<T: Plain> Buf<T> {
    /// Leaves the first `len` values in sight.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn truncate(&mut self, len: usize) {
        assert!(len <= self.len);
        self.len = len;
    }
}

impl<T: Plain> Deref for Buf<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.block.values(self.len)
    }
}

impl<T: Plain> DerefMut for Buf<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.block.values_mut(self.len)
    }
}

impl<T: Plain> Drop for Buf<T> {
    fn drop(&mut self) {
        let block = std::mem::take(&mut self.block);
        let lines = block.lines();
        let mut store = lock(&self.home);
        store.lent_lines -= lines;
        store.asked_lines -= self.asked_lines;
        store.free_lines += lines;
        store.free.entry(lines).or_default().push(block);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_buffer_comes_back_and_is_lent_again() {
        let arena = Arena::new();
        let mut first = arena.take(1000);
        first.fill(3.0);
        let address = first.as_ptr();
        assert_eq!(address as usize % 64, 0);
        drop(first);
        let second = arena.take(900);
        assert_eq!((second.len(), second.as_ptr()), (900, address));
        assert_eq!(arena.peak_bytes(), 4032);
        drop(second);
        assert!(arena.zeroed(1000).iter().all(|v| *v == 0.0));
        assert!(arena.zeroed_bf16(2000).iter().all(|v| *v == bf16::ZERO));
        assert_eq!(arena.held_bytes(), 4032);
    }

    #[test]
    fn a_small_request_leaves_a_large_block_alone() {
        let arena = Arena::new();
        drop(arena.take(10_000));
        let small = arena.take(100);
        assert!(arena.held_bytes() > 40_000);
        arena.trim();
        assert_eq!(arena.held_bytes(), 448);
        assert_eq!(arena.peak_bytes(), 448);
        drop(small);
        assert!(arena.take(0).is_empty());
    }

    /// A pass over `m` rows: buffers of several widths come and go. Says where they lay.
    fn pass(arena: &Arena, m: usize) -> BTreeSet<*const f32> {
        let mut seen = BTreeSet::new();
        let mut take = |width: usize| {
            let buf = arena.take(m * width);
            seen.insert(buf.as_ptr());
            buf
        };
        let kept: Vec<Buf> = [48, 16, 128, 48, 128, 7].map(&mut take).into();
        drop(take(64));
        for buf in kept {
            drop((take(128), take(32)));
            drop(buf);
        }
        seen
    }

    #[test]
    fn after_the_longest_pass_shorter_ones_take_no_more() {
        let lengths = || (0..500).map(|i| 100 + i * 7919 % 1901);
        let arena = Arena::new();
        pass(&arena, 2000);
        let peak = arena.peak_bytes();
        lengths().for_each(|m| drop(pass(&arena, m)));
        assert!(arena.peak_bytes() > 2 * peak, "left to itself it grows: {} {peak}", arena.peak_bytes());

        let arena = Arena::new();
        pass(&arena, 2000);
        arena.hold_to_peak();
        lengths().for_each(|m| drop(pass(&arena, m)));
        assert_eq!(arena.peak_bytes(), peak);
        // The same again takes nothing new: its blocks are where they were.
        pass(&arena, 2000);
        assert_eq!(pass(&arena, 2000), pass(&arena, 2000));
    }

    #[test]
    fn what_is_needed_is_lent_beyond_what_was_to_be_held() {
        let arena = Arena::new();
        drop(arena.take(1000));
        arena.hold_to(4032);
        let kept = [arena.take(1600), arena.take(1600)];
        assert_eq!(arena.held_bytes(), 2 * 6400, "and what was free has gone");
        drop(kept);
        drop(arena.take(800));
        assert_eq!(arena.held_bytes(), 6400 + 3200, "that much stays the most");
        drop(arena.take(1600));
        assert_eq!(arena.held_bytes(), 6400 + 3200);
    }
}
