//! Pages of a column, each looked at before it is unpacked ([`claims`](super::claims)).

use super::Source;
use super::claims::{Entries, Header, lengths};
use ::parquet::basic::{Compression, Encoding, Type as Physical};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::{ChunkReader as _, Length as _};
use anyhow::{Context as _, bail};
use flate2::read::MultiGzDecoder;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Unpacked pages of all columns, where a file is small.
const MOST_HELD_BYTES: u64 = 1 << 30;

pub(super) struct Pages {
    pages: Box<dyn PageReader>,
    source: Source,
    /// Where the next page's header is, and bytes of the column from there on.
    at: u64,
    left: u64,
    codec: Compression,
    physical: Physical,
    max_def: i16,
    max_rep: i16,
    entries: Entries,
    /// Of the dictionary and the page read last, here and in all columns.
    dictionary_bytes: u64,
    page_bytes: u64,
    held: Arc<AtomicU64>,
    most_held: u64,
}

impl Pages {
    /// `held` counts the bytes of all columns together.
    pub fn new(
        pages: Box<dyn PageReader>,
        source: Source,
        column: &ColumnChunkMetaData,
        held: Arc<AtomicU64>,
    ) -> Self {
        let (at, left) = column.byte_range();
        let descr = column.column_descr();
        // Large files have large pages.
        let most_held = MOST_HELD_BYTES.max(32 * source.len());
        Self {
            pages,
            source,
            at,
            left,
            codec: column.compression(),
            physical: descr.physical_type(),
            max_def: descr.max_def_level(),
            max_rep: descr.max_rep_level(),
            entries: Entries::default(),
            dictionary_bytes: 0,
            page_bytes: 0,
            held,
            most_held,
        }
    }

    /// The next page's header; `None` at the end.
    fn header(&self) -> anyhow::Result<Option<Header>> {
        if self.left == 0 {
            return Ok(None);
        }
        let header = Header::read(self.source.get_read(self.at)?, self.left)?;
        header.check(self.codec, self.physical)?;
        Ok(Some(header))
    }

    /// Looks at the next page's header and goes on behind that page.
    fn look(&mut self) -> anyhow::Result<()> {
        let Some(header) = self.header()? else { return Ok(()) };
        if matches!(self.codec, Compression::GZIP(_)) && header.packed_bytes > 0 {
            self.inflates(&header)?;
        }
        let used = header.header_bytes + header.packed_bytes;
        (self.at, self.left) = (self.at + used, self.left - used);
        let place = if header.is_dictionary() { &mut self.dictionary_bytes } else { &mut self.page_bytes };
        let before = std::mem::replace(place, header.plain_bytes);
        self.held.fetch_add(header.plain_bytes, Ordering::Relaxed);
        let held = self.held.fetch_sub(before, Ordering::Relaxed) - before;
        if held > self.most_held {
            bail!("pages of {held} bytes at a time");
        }
        Ok(())
    }

    /// Holds a page's size against what it says: what was packed so is unpacked to its end, however long.
    fn inflates(&self, header: &Header) -> anyhow::Result<()> {
        let begins = self.at + header.header_bytes;
        let packed = self.source.get_bytes(begins, usize::try_from(header.packed_bytes)?)?;
        let from = usize::try_from(header.level_bytes)?.min(packed.len());
        let most = header.plain_bytes.saturating_sub(header.level_bytes) + 1;
        let unpacked = MultiGzDecoder::new(&packed[from..]).take(most);
        let n = std::io::copy(&mut { unpacked }, &mut std::io::sink()).unwrap_or_default();
        if n == most {
            bail!("a page that is longer than it says");
        }
        Ok(())
    }

    /// Looks at a page of values: how long its lists are, and the lengths within.
    fn look_inside(&mut self, page: &Page) -> anyhow::Result<()> {
        let n_values = u64::from(page.num_values());
        let (buf, encoding, from) = match page {
            Page::DictionaryPage { .. } => return Ok(()),
            Page::DataPageV2 { buf, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let n_rep = *rep_levels_byte_len as usize;
                if self.max_rep > 0 {
                    let levels = buf.get(..n_rep).context("levels that end too early")?;
                    self.entries.pass(levels, width(self.max_rep), n_values)?;
                }
                (buf, *encoding, n_rep.saturating_add(*def_levels_byte_len as usize))
            }
            Page::DataPage { buf, encoding, def_level_encoding, rep_level_encoding, .. } => {
                let mut from = 0;
                if self.max_rep > 0 {
                    let levels = levels(buf, *rep_level_encoding, self.max_rep, n_values)?;
                    if *rep_level_encoding == Encoding::RLE {
                        self.entries.pass(levels.1, width(self.max_rep), n_values)?;
                    }
                    from = levels.0;
                }
                if self.max_def > 0 {
                    let rest = buf.get(from..).context("levels that end too early")?;
                    from += levels(rest, *def_level_encoding, self.max_def, n_values)?.0;
                }
                (buf, *encoding, from)
            }
        };
        lengths(buf.get(from..).context("levels that end too early")?, encoding, n_values)
    }
}

/// Bits of a level.
fn width(max: i16) -> u32 {
    u16::BITS - max.unsigned_abs().leading_zeros()
}

/// The levels at the beginning of a page of the first kind, and how many bytes they take.
fn levels(buf: &[u8], encoding: Encoding, max: i16, n_values: u64) -> anyhow::Result<(usize, &[u8])> {
    let short = "levels that end too early";
    if encoding != Encoding::RLE {
        // One after another, as many as there are values.
        let n = usize::try_from(n_values.saturating_mul(u64::from(width(max))).div_ceil(8))?;
        return Ok((n, buf.get(..n).context(short)?));
    }
    let len: [u8; 4] = buf.get(..4).and_then(|four| four.try_into().ok()).context(short)?;
    let end = (u32::from_le_bytes(len) as usize).saturating_add(4);
    Ok((end, buf.get(4..end).context(short)?))
}

fn refused(fault: anyhow::Error) -> ParquetError {
    ParquetError::General(format!("{fault:#}"))
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.look().map_err(refused)?;
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.look_inside(page).map_err(refused)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::NYI("pages are read one after another".to_owned()))
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        // The header of the next page is read for that.
        self.header().map_err(refused)?;
        self.pages.at_record_boundary()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.held.fetch_sub(self.dictionary_bytes + self.page_bytes, Ordering::Relaxed);
    }
}
