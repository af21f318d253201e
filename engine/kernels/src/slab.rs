//! Memory for weights: side by side in large pages, so that reading a model from end to end is not slowed at every
//! four kilobytes, by a page table's lookup and a prefetcher that stops there.
//!
//! Chunks of address space are taken from the system and cut up from the front; what nobody has written to takes no
//! memory. Memory that is let go is given back to the system at once, though its neighbours stay.
#![expect(unsafe_code, reason = "maps memory and lends parts of it")]

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::arena::LINE_BYTES;

/// Of address space, in one chunk: enough for a small model. Elsewhere than on Linux a chunk takes memory at once, and
/// each slab has its own.
const CHUNK: usize = if cfg!(target_os = "linux") { 256 << 20 } else { 0 };
/// A large page: chunks start on one.
const LARGE: usize = 2 << 20;

/// Bytes on a cache line, zeros until they are written.
pub struct Slab {
    chunk: Arc<Chunk>,
    at: usize,
    len: usize,
}

struct Chunk {
    first: *mut u8,
    len: usize,
}

// SAFETY: a chunk is addresses alone; each part of it belongs to one `Slab`, which lends it as Rust lends a slice.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

/// The chunk that the next slab is cut from, if a slab of it is left, and how much of it is taken.
static CURRENT: Mutex<(Weak<Chunk>, usize)> = Mutex::new((Weak::new(), 0));

impl Slab {
    /// `len` zeros.
    ///
    /// # Panics
    /// If the system has no address space left.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let room = len.next_multiple_of(LINE_BYTES);
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        let (chunk, at) = match current.0.upgrade().filter(|chunk| chunk.len - current.1 >= room) {
            Some(chunk) => (chunk, current.1),
            None => (Arc::new(Chunk::map(room.max(CHUNK))), 0),
        };
        *current = (Arc::downgrade(&chunk), at + room);
        Self { chunk, at, len }
    }

    /// The same bytes here.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut slab = Self::zeroed(bytes.len());
        slab.bytes_mut().copy_from_slice(bytes);
        slab
    }

    /// To be filled.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: inside the chunk, of this slab alone, and initialised: zeros as the system maps them, or written.
        unsafe { std::slice::from_raw_parts_mut(self.chunk.first.add(self.at), self.len) }
    }
}

impl Deref for Slab {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: as in `bytes_mut`.
        unsafe { std::slice::from_raw_parts(self.chunk.first.add(self.at), self.len) }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        self.chunk.let_go(self.at, self.len);
    }
}

#[cfg(target_os = "linux")]
impl Chunk {
    fn map(len: usize) -> Self {
        // More than asked for, so that it can start on a large page.
        let all = len + LARGE;
        // SAFETY: an anonymous private mapping at an address of the system's choice touches nothing of ours.
        let mapped = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                all,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        assert!(mapped != libc::MAP_FAILED, "no address space for {len} bytes");
        let mapped = mapped.cast::<u8>();
        let before = mapped.addr().next_multiple_of(LARGE) - mapped.addr();
        // SAFETY: both ends lie in the mapping, and nothing refers to them.
        unsafe {
            if before > 0 {
                libc::munmap(mapped.cast(), before);
            }
            let first = mapped.add(before);
            if before < LARGE {
                libc::munmap(first.add(len).cast(), LARGE - before);
            }
            // A wish: without large pages it is slower, and no less right.
            libc::madvise(first.cast(), len, libc::MADV_HUGEPAGE);
            Self { first, len }
        }
    }

    /// Gives whole pages back; what shares a page with a neighbour stays.
    fn let_go(&self, at: usize, len: usize) {
        const PAGE: usize = 4096;
        let (from, to) = (at.next_multiple_of(PAGE), (at + len) / PAGE * PAGE);
        if from < to {
            // SAFETY: pages that only the slab being dropped has bytes in.
            unsafe { libc::madvise(self.first.add(from).cast(), to - from, libc::MADV_DONTNEED) };
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: mapped with this length in `map`, and no slab of it is left.
        unsafe { libc::munmap(self.first.cast(), self.len) };
    }
}

#[cfg(not(target_os = "linux"))]
impl Chunk {
    fn layout(len: usize) -> std::alloc::Layout {
        match std::alloc::Layout::from_size_align(len.max(1), LARGE) {
            Ok(layout) => layout,
            Err(_) => std::alloc::handle_alloc_error(std::alloc::Layout::new::<u8>()),
        }
    }

    fn map(len: usize) -> Self {
        // SAFETY: the layout has a size.
        let first = unsafe { std::alloc::alloc_zeroed(Self::layout(len)) };
        assert!(!first.is_null(), "no memory for {len} bytes");
        Self { first, len }
    }

    fn let_go(&self, _at: usize, _len: usize) {}
}

#[cfg(not(target_os = "linux"))]
impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `map`, and no slab of it is left.
        unsafe { std::alloc::dealloc(self.first, Self::layout(self.len)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_are_their_own_wherever_they_lie() {
        let mut all: Vec<Slab> = [1usize, 63, 64, 5000, 3 << 20, 0, 9]
            .into_iter()
            .enumerate()
            .map(|(i, len)| Slab::of(&vec![i as u8 + 1; len]))
            .collect();
        for (i, slab) in all.iter().enumerate() {
            assert!(slab.as_ptr().addr().is_multiple_of(LINE_BYTES), "{i}");
            assert!(slab.iter().all(|b| *b == i as u8 + 1), "{i}");
        }
        all.remove(4);
        for slab in &all {
            assert!(slab.windows(2).all(|pair| pair[0] == pair[1]));
        }
        assert!(Slab::zeroed(10_000).iter().all(|b| *b == 0));
    }

    #[test]
    fn more_than_a_chunk_is_a_chunk_of_its_own() {
        let mut slab = Slab::zeroed(CHUNK + 1);
        slab.bytes_mut()[CHUNK] = 7;
        assert_eq!((slab[CHUNK], slab[CHUNK - 1], slab.len()), (7, 0, CHUNK + 1));
    }

    #[test]
    fn what_is_written_again_starts_as_zeros() {
        for _ in 0..3 {
            let kept = Slab::of(&[1; 100]);
            let mut slab = Slab::zeroed(100_000);
            assert!(slab.iter().all(|b| *b == 0));
            slab.bytes_mut().fill(9);
            drop(slab);
            assert_eq!(kept[99], 1);
        }
    }
}
