//! Bytes of a file: counted, decompressed, in UTF-8, through a window that slides over them.

use super::encoding::{detect, in_utf8};
use flate2::bufread::GzDecoder;
use glassworks_protocol::datasets::import::TextEncoding;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CHUNK_BYTES: usize = 256 << 10;

/// Where bytes come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
}

/// What stands before a file's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// By the first bytes, whatever the file is called.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Zstd => "zst",
        }
    }
}

/// What can be sought in; files and pasted text.
pub(super) trait Bytes: Read + Seek + Send {}
impl<T: Read + Seek + Send> Bytes for T {}

impl Origin {
    pub fn open(&self) -> io::Result<Box<dyn Bytes>> {
        Ok(match self {
            Self::Path(path) => Box::new(File::open(path)?),
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    pub fn n_bytes(&self) -> io::Result<u64> {
        Ok(match self {
            Self::Path(path) => path.metadata()?.len(),
            Self::Bytes(bytes) => bytes.len() as u64,
        })
    }

    /// The first bytes as they lie there.
    pub fn magic(&self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        self.open()?.take(8).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Decompressed bytes; `read` counts those on disk.
    pub fn bytes(
        &self,
        compression: Option<Compression>,
        read: Arc<AtomicU64>,
    ) -> io::Result<Box<dyn Read + Send>> {
        let counted = Counted { inner: self.open()?, read };
        Ok(match compression {
            None => Box::new(counted),
            Some(Compression::Gzip) => Box::new(Members::new(counted)),
            Some(Compression::Zstd) => Box::new(zstd::Decoder::new(counted)?),
        })
    }

    /// The encoding, by the beginning and, where that is all ASCII, by pieces from all over the file.
    pub fn encoding(&self, compression: Option<Compression>) -> io::Result<Option<TextEncoding>> {
        const HEAD_BYTES: u64 = 256 << 10;
        const PIECES: u64 = 16;
        const PIECE_BYTES: u64 = 32 << 10;
        let head = head_of(self.bytes(compression, Arc::default())?, HEAD_BYTES)?;
        let len = self.n_bytes()?;
        if compression.is_some() || len <= HEAD_BYTES || !head.is_ascii() {
            return Ok(detect(&[&head]));
        }
        let mut file = self.open()?;
        let mut pieces = vec![head];
        for n in 0..PIECES {
            let at = HEAD_BYTES + (len - HEAD_BYTES).saturating_sub(PIECE_BYTES) / (PIECES - 1) * n;
            // Even places: of UTF-16 without a mark a piece is whole units.
            file.seek(SeekFrom::Start(at & !1))?;
            let mut piece = Vec::new();
            (&mut file).take(PIECE_BYTES).read_to_end(&mut piece)?;
            pieces.push(piece);
        }
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        Ok(detect(&pieces))
    }
}

/// Up to so many bytes; of a damaged file what comes before the damage.
fn head_of(reader: Box<dyn Read + Send>, most: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    match reader.take(most).read_to_end(&mut head) {
        Err(fault) if of_the_disk(&fault) => Err(fault),
        _ => Ok(head),
    }
}

/// Whether reading failed, not what was read.
fn of_the_disk(fault: &io::Error) -> bool {
    fault.raw_os_error().is_some()
}

/// Members of gzip one after another are one text. Zeros behind the last are how tapes and disks fill up a file.
struct Members<R> {
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Members<R> {
    fn new(inner: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::with_capacity(64 << 10, inner))) }
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            match member.read(out) {
                Ok(0) if !out.is_empty() => {}
                // After an error too: what reads again must not take it for the end.
                other => {
                    self.member = Some(member);
                    return other;
                }
            }
            let mut rest = member.into_inner();
            loop {
                let bytes = match rest.fill_buf() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    bytes => bytes?,
                };
                let (zeros, all) = (bytes.iter().take_while(|one| **one == 0).count(), bytes.len());
                rest.consume(zeros);
                if all == 0 {
                    return Ok(0);
                }
                if zeros < all {
                    break;
                }
            }
            self.member = Some(GzDecoder::new(rest));
        }
        Ok(0)
    }
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A stretch of a text in UTF-8 that slides over it and grows as far as one row needs.
pub(super) struct Window {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    damage: Option<String>,
}

impl Window {
    /// Without a mark (BOM) at the beginning.
    pub fn new(source: Box<dyn Read + Send>, encoding: TextEncoding) -> io::Result<Self> {
        let source = in_utf8(source, encoding);
        let mut window =
            Self { source, buffer: vec![0; CHUNK_BYTES], start: 0, end: 0, ended: false, damage: None };
        window.at_least(3)?;
        if window.bytes().starts_with(&[0xEF, 0xBB, 0xBF]) {
            window.take(3);
        }
        Ok(window)
    }

    #[cfg(test)]
    pub fn of(text: &[u8]) -> Self {
        Self::new(Box::new(Cursor::new(text.to_vec())), TextEncoding::Utf8).unwrap()
    }

    /// What is in the window now.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether nothing comes after [`Self::bytes`].
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Moves on.
    pub fn take(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }

    /// Gets more; false at the end.
    pub fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 && self.buffer.len() - self.end < CHUNK_BYTES {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < CHUNK_BYTES {
            // Doubling: what looks at the window from its beginning each time looks at no more than twice as much.
            let len = (2 * self.buffer.len()).max(2 * CHUNK_BYTES);
            self.buffer.resize(len, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => continue,
                Err(fault) if of_the_disk(&fault) => return Err(fault),
                Err(fault) => {
                    self.damage = Some(fault.to_string());
                    self.ended = true;
                }
            }
            return Ok(!self.ended);
        }
    }

    /// Fills until that much is in the window; less only at the end.
    pub fn at_least(&mut self, n: usize) -> io::Result<()> {
        while self.bytes().len() < n && self.fill()? {}
        Ok(())
    }

    /// Why the text ends before its end; told once.
    pub fn damage(&mut self) -> Option<String> {
        self.damage.take()
    }
}
