//! What a file says of its own sizes, held against what can be before anything is made as large: the schema in its
//! footer, the header of each page, and the lengths within a page.
//!
//! The crate below takes these at their word, and memory that is not there ends the program.

use super::super::LONGEST_BYTES;
use super::thrift::Walk;
use ::parquet::basic::{Compression, Encoding, Type as Physical};
use anyhow::{Context as _, Result, bail};
use std::io::Read;

/// How deep groups may lie within each other in a schema.
const DEEPEST: usize = 64;

/// Values of a page whose lengths are held all at once.
const MOST_LENGTHS: u64 = 1 << 26;

/// Looks at the schema in a footer (`FileMetaData`): that every group has the fields that it says.
pub(super) fn schema(footer: &[u8]) -> Result<()> {
    let mut walk = Walk::new(footer, footer.len() as u64);
    let mut last = 0;
    while let Some(member) = walk.member(last)? {
        last = member.id;
        if member.id == 2 && member.is_list() {
            let (n, _) = walk.list()?;
            return elements(&mut walk, n).context("the schema");
        }
        walk.skip(member)?;
    }
    Ok(())
}

fn elements(walk: &mut Walk<&[u8]>, n: u64) -> Result<()> {
    // Of the groups that are open: fields still to come.
    let mut open: Vec<u64> = Vec::new();
    for at in 0..n {
        let (mut last, mut fields) = (0, 0);
        while let Some(member) = walk.member(last)? {
            last = member.id;
            if member.id == 5 && member.is_int() {
                fields = walk.int()?;
            } else {
                walk.skip(member)?;
            }
        }
        let fields = u64::try_from(fields).unwrap_or(u64::MAX);
        if fields > n - at - 1 {
            bail!("a group of {fields} fields, where there are {} more", n - at - 1);
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if fields > 0 {
            open.push(fields);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.len() > DEEPEST {
            bail!("groups nested more than {DEEPEST} levels deep");
        }
    }
    Ok(())
}

/// Kinds of pages, as headers number them.
const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_V2: i64 = 3;

/// A page by its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    kind: i64,
    pub plain_bytes: u64,
    pub packed_bytes: u64,
    /// In a dictionary.
    n_entries: u64,
    pub header_bytes: u64,
    /// Levels at the beginning of a page of the second kind, which are never packed.
    pub level_bytes: u64,
}

impl Header {
    /// Reads the header at the beginning of `from`, of which `most` bytes belong to the column.
    pub fn read(from: impl Read, most: u64) -> Result<Self> {
        let (mut walk, mut header, mut last) = (Walk::new(from, most), Self::default(), 0);
        while let Some(member) = walk.member(last)? {
            last = member.id;
            match member.id {
                1 if member.is_int() => header.kind = walk.int()?,
                2 if member.is_int() => header.plain_bytes = size(walk.int()?)?,
                3 if member.is_int() => header.packed_bytes = size(walk.int()?)?,
                7 if member.is_struct() => header.n_entries = sum(&mut walk, &[1])?,
                8 if member.is_struct() => header.level_bytes = sum(&mut walk, &[5, 6])?,
                _ => walk.skip(member)?,
            }
        }
        header.header_bytes = walk.passed();
        if header.packed_bytes > most - header.header_bytes {
            bail!("a page of {} bytes, where the column has {most} more", header.packed_bytes);
        }
        Ok(header)
    }

    pub fn is_dictionary(&self) -> bool {
        self.kind == DICTIONARY
    }

    /// Whether what was packed so can become as large as the header says, and a dictionary hold as many values.
    pub fn check(&self, codec: Compression, physical: Physical) -> Result<()> {
        // What each way of packing makes of a byte at most, about.
        let most = match codec {
            Compression::UNCOMPRESSED => 1,
            Compression::SNAPPY => 24,
            Compression::LZ4 | Compression::LZ4_RAW => 256,
            Compression::GZIP(_) => 1040,
            _ => 1 << 16,
        };
        // An index has never been written between pages.
        if !matches!(self.kind, DATA | DICTIONARY | DATA_V2) {
            bail!("a page of no known kind");
        }
        if self.plain_bytes > self.packed_bytes.saturating_mul(most).saturating_add(1024) {
            bail!("a page of {} bytes that says it was {}", self.packed_bytes, self.plain_bytes);
        }
        let each = match physical {
            Physical::INT64 | Physical::DOUBLE => 8,
            Physical::INT96 => 12,
            Physical::BOOLEAN | Physical::FIXED_LEN_BYTE_ARRAY => 1,
            _ => 4,
        };
        if self.n_entries > self.plain_bytes / each {
            bail!("a dictionary of {} values in {} bytes", self.n_entries, self.plain_bytes);
        }
        Ok(())
    }
}

fn size(said: i64) -> Result<u64> {
    u64::try_from(said).context("a page smaller than nothing")
}

/// The sum of a structure's numbers of these ids.
fn sum<R: Read>(walk: &mut Walk<R>, ids: &[i64]) -> Result<u64> {
    let (mut last, mut found) = (0, 0u64);
    while let Some(member) = walk.member(last)? {
        last = member.id;
        if ids.contains(&member.id) && member.is_int() {
            found = found.saturating_add(size(walk.int()?)?);
        } else {
            walk.skip(member)?;
        }
    }
    Ok(found)
}

/// Looks at the lengths at the beginning of a page's values, which are made room for all at once.
pub(super) fn lengths(values: &[u8], encoding: Encoding, n_values: u64) -> Result<()> {
    let most = n_values.min(MOST_LENGTHS).min(values.len() as u64 * 1024);
    match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => deltas(values, most).map(drop),
        Encoding::DELTA_BYTE_ARRAY => {
            let used = deltas(values, most)?;
            deltas(values.get(used..).unwrap_or_default(), most).map(drop)
        }
        _ => Ok(()),
    }
}

/// Passes over numbers packed by their differences (`DELTA_BINARY_PACKED`), no more than `most`.
fn deltas(values: &[u8], most: u64) -> Result<usize> {
    let mut at = 0;
    let [block, pieces, n, _first] =
        [number(values, &mut at), number(values, &mut at), number(values, &mut at), number(values, &mut at)];
    let (block, pieces, n) = (block?, pieces?, n?);
    if n > most {
        bail!("{n} lengths in a page of {} bytes, {most} at most", values.len());
    }
    if pieces == 0 || block % pieces != 0 || block > 1 << 31 {
        bail!("lengths in blocks of {block} in {pieces} pieces");
    }
    let each = block / pieces;
    let mut left = n.saturating_sub(1);
    while left > 0 {
        number(values, &mut at)?;
        let end = at.saturating_add(usize::try_from(pieces)?);
        let widths = values.get(at..end).context("lengths that end too early")?;
        at = end;
        for width in widths {
            if left > 0 {
                at = at.saturating_add(usize::try_from(u64::from(*width) * each / 8)?);
            }
            left = left.saturating_sub(each);
        }
    }
    Ok(at)
}

fn number(values: &[u8], at: &mut usize) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let one = *values.get(*at).context("lengths that end too early")?;
        *at += 1;
        value |= u64::from(one & 0x7F) << shift;
        if one & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a length of more than 64 bits")
}

/// How many entries the row has that is being read, by the levels at which lists go on: 0 begins another row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entries(u64);

impl Entries {
    /// Passes over the levels of a page, runs and groups of eight (`RLE`), each of `width` bits.
    pub fn pass(&mut self, mut levels: &[u8], width: u32, n_values: u64) -> Result<()> {
        let (mut left, mut at) = (n_values, 0);
        while left > 0 {
            let head = number(levels, &mut at)?;
            if head & 1 == 0 {
                let n = (head >> 1).min(left);
                let bytes =
                    levels.get(at..at + width.div_ceil(8) as usize).context("levels that end too early")?;
                at += bytes.len();
                let goes_on = bytes.iter().any(|one| *one != 0);
                self.0 = if goes_on { self.0 + n } else { 1 };
                left -= n.max(1).min(left);
            } else {
                let n_bytes = (head >> 1).saturating_mul(u64::from(width));
                let end = at.saturating_add(usize::try_from(n_bytes)?).min(levels.len());
                self.groups(&levels[at..end], width, &mut left);
                if end == levels.len() {
                    break;
                }
                at = end;
            }
            levels = &levels[at..];
            at = 0;
            self.check()?;
        }
        self.check()
    }

    /// Levels of `width` bits each, one after another from the lowest bit on.
    fn groups(&mut self, bytes: &[u8], width: u32, left: &mut u64) {
        let (mut bits, mut n_bits, mask) = (0u32, 0, (1u32 << width) - 1);
        for one in bytes {
            bits |= u32::from(*one) << n_bits;
            n_bits += 8;
            while n_bits >= width && *left > 0 {
                self.0 = if bits & mask == 0 { 1 } else { self.0 + 1 };
                bits >>= width;
                n_bits -= width;
                *left -= 1;
            }
        }
    }

    fn check(self) -> Result<()> {
        // Each entry is a byte of a row's line, at least.
        if self.0 > LONGEST_BYTES as u64 {
            bail!("a row with a list of {} entries", self.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_millions_in_a_few_bytes_is_no_row() {
        // One run of 2^31 - 1 entries that all go on.
        let run = [0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 1];
        let mut entries = Entries::default();
        assert!(entries.pass(&run, 1, u64::from(u32::MAX)).is_err());
        // As many rows of one entry each are nothing special.
        let rows = [0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0];
        Entries::default().pass(&rows, 1, u64::from(u32::MAX >> 1)).unwrap();
        // Eight entries: two rows of four.
        let mut entries = Entries::default();
        entries.pass(&[3, 0b1110_1110], 1, 8).unwrap();
        assert_eq!(entries.0, 4);
        // A list goes on over pages.
        entries.pass(&[(10 << 1) as u8, 1], 1, 10).unwrap();
        assert_eq!(entries.0, 14);
    }

    #[test]
    fn lengths_are_counted_before_there_is_room_for_them() {
        let check = |values: &[u8], n| lengths(values, Encoding::DELTA_LENGTH_BYTE_ARRAY, n);
        // Blocks of 128 in 4 pieces: a length of 5, and one more that is 0 bits away.
        let honest = [0x80, 1, 4, 2, 10, 0, 0, 0, 0, 0];
        check(&honest, 2).unwrap();
        assert!(check(&honest, 1).is_err());
        let lies = [0x80, 1, 4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 10];
        assert!(check(&lies, u64::MAX).is_err());
        let both = [honest.as_slice(), &lies].concat();
        assert!(lengths(&both, Encoding::DELTA_BYTE_ARRAY, u64::MAX).is_err());
        lengths(&[honest, honest].concat(), Encoding::DELTA_BYTE_ARRAY, 2).unwrap();
    }

    #[test]
    fn groups_have_the_fields_they_say() {
        // A footer of nothing but its schema: elements that say how many fields they have.
        let footer = |fields: &[u8]| {
            let mut bytes = vec![0x29, (fields.len() as u8) << 4 | 0xC];
            for n in fields {
                bytes.extend_from_slice(&[0x55, n << 1, 0]);
            }
            bytes.push(0);
            bytes
        };
        schema(&footer(&[2, 0, 1, 0])).unwrap();
        assert!(schema(&footer(&[2, 60, 0, 0])).is_err());
        let deep: Vec<u8> = vec![1; 14];
        assert!(schema(&footer(&deep)).is_err());
    }
}
