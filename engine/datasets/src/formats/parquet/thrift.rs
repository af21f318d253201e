//! Thrift's compact protocol, as far as a file's claims are looked at before they are believed
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>).

use anyhow::{Context as _, Result, bail};
use std::io::Read;

/// How deep values may lie within each other.
const DEEPEST: usize = 64;

/// Types of values as the protocol numbers them.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// A text that is walked through once; it holds nothing.
pub(super) struct Walk<R> {
    from: R,
    /// Bytes passed, and how many there may be.
    passed: u64,
    most: u64,
}

/// A field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub id: i64,
    kind: u8,
}

impl Member {
    pub fn is_int(self) -> bool {
        matches!(self.kind, I16 | I32 | I64)
    }

    pub fn is_struct(self) -> bool {
        self.kind == STRUCT
    }

    pub fn is_list(self) -> bool {
        self.kind == LIST
    }
}

impl<R: Read> Walk<R> {
    /// Through no more than `most` bytes.
    pub fn new(from: R, most: u64) -> Self {
        Self { from, passed: 0, most }
    }

    pub fn passed(&self) -> u64 {
        self.passed
    }

    fn room(&mut self, n: u64) -> Result<()> {
        self.passed = self.passed.saturating_add(n);
        if self.passed > self.most {
            bail!("{n} bytes that are not there");
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8> {
        self.room(1)?;
        let mut one = [0];
        self.from.read_exact(&mut one).context("it ends too early")?;
        Ok(one[0])
    }

    fn over(&mut self, n: u64) -> Result<()> {
        self.room(n)?;
        let passed = std::io::copy(&mut self.from.by_ref().take(n), &mut std::io::sink())?;
        if passed < n {
            bail!("it ends too early");
        }
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let one = self.byte()?;
            value |= u64::from(one & 0x7F) << shift;
            if one & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                bail!("a number of more than 64 bits");
            }
        }
    }

    /// A whole number of any width.
    pub fn int(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The field that comes after the one of id `last`; `None`: the structure ends.
    pub fn member(&mut self, last: i64) -> Result<Option<Member>> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = if head >> 4 == 0 { self.int()? } else { last.saturating_add(i64::from(head >> 4)) };
        Ok(Some(Member { id, kind: head & 0xF }))
    }

    /// How many elements a list says it has, and of which type.
    pub fn list(&mut self) -> Result<(u64, u8)> {
        let head = self.byte()?;
        let n = if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) };
        Ok((n, head & 0xF))
    }

    pub fn skip(&mut self, member: Member) -> Result<()> {
        // Of a field its truth stands in its head.
        if matches!(member.kind, TRUE | FALSE) { Ok(()) } else { self.skip_value(member.kind, 0) }
    }

    fn skip_value(&mut self, kind: u8, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            bail!("nested more than {DEEPEST} levels deep");
        }
        match kind {
            TRUE | FALSE | BYTE => self.byte().map(drop),
            I16 | I32 | I64 => self.unsigned().map(drop),
            DOUBLE => self.over(8),
            UUID => self.over(16),
            BINARY => {
                let n = self.unsigned()?;
                self.over(n)
            }
            LIST | SET => {
                let (n, kind) = self.list()?;
                (0..n).try_for_each(|_| self.skip_value(kind, depth + 1))
            }
            MAP => {
                let n = self.unsigned()?;
                let kinds = if n > 0 { self.byte()? } else { 0 };
                (0..n).try_for_each(|_| {
                    self.skip_value(kinds >> 4, depth + 1)?;
                    self.skip_value(kinds & 0xF, depth + 1)
                })
            }
            STRUCT => {
                let mut last = 0;
                while let Some(member) = self.member(last)? {
                    last = member.id;
                    if !matches!(member.kind, TRUE | FALSE) {
                        self.skip_value(member.kind, depth + 1)?;
                    }
                }
                Ok(())
            }
            _ => bail!("a value of no known type"),
        }
    }
}
