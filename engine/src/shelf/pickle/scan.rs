//! Walks a pickle's instructions without making anything, and says whether candle's reader may have it.
//!
//! That reader copies what is remembered each time it is used, drops nested values by recursion, and allocates the
//! length a text claims: each is bounded here first.

/// Deeper than any state dictionary.
const MAX_DEPTH: u32 = 32;
/// Values that the reader may copy in all: at most some 100 MB.
const MAX_COPIED: u64 = 1 << 20;

/// What a state dictionary is made of.
const ALLOWED: [(&str, &str); 14] = [
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "FloatStorage"),
    ("torch", "HalfStorage"),
    ("torch", "BFloat16Storage"),
    ("torch", "DoubleStorage"),
    ("torch", "ByteStorage"),
    ("torch", "CharStorage"),
    ("torch", "ShortStorage"),
    ("torch", "IntStorage"),
    ("torch", "LongStorage"),
    ("torch", "BoolStorage"),
    ("torch", "Size"),
];

#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no pickle that the reader knows.
    Broken(String),
    /// It names something that is not a tensor: what.
    Foreign(String),
}

type Result<T> = std::result::Result<T, Refusal>;

/// Checks a whole pickle.
pub fn scan(pickle: &[u8]) -> Result<()> {
    Scan { rest: pickle, stack: Vec::new(), memo: Default::default(), copied: 0 }.run()
}

/// How much a value on the stack is.
#[derive(Clone, Copy)]
enum Item {
    Mark,
    Value { nodes: u64, depth: u32 },
}

const LEAF: Item = Item::Value { nodes: 1, depth: 1 };

struct Scan<'a> {
    rest: &'a [u8],
    stack: Vec<Item>,
    memo: std::collections::HashMap<u32, Item>,
    copied: u64,
}

impl Scan<'_> {
    fn run(mut self) -> Result<()> {
        loop {
            let [op] = self.take()?;
            match op {
                b'.' => return Ok(()),
                0x80 => drop(self.take::<1>()?),
                b'c' => self.global()?,
                b'N' | 0x88 | 0x89 | b')' | b']' | b'}' => self.stack.push(LEAF),
                b'K' => self.leaf::<1>()?,
                b'M' => self.leaf::<2>()?,
                b'J' => self.leaf::<4>()?,
                b'G' => self.leaf::<8>()?,
                0x8a => self.long()?,
                b'X' => self.text()?,
                b'(' => self.stack.push(Item::Mark),
                b't' => self.group_to_mark()?,
                0x85 => self.group(1)?,
                0x86 | b'R' | b'b' | 0x81 => self.group(2)?,
                0x87 => self.group(3)?,
                b'Q' => self.group(1)?,
                b'a' => self.merge_last(1)?,
                b's' => self.merge_last(2)?,
                b'u' | b'e' => self.merge_to_mark()?,
                b'q' => {
                    let [at] = self.take()?;
                    self.remember(at.into())?;
                }
                b'r' => {
                    let at = u32::from_le_bytes(self.take()?);
                    self.remember(at)?;
                }
                b'h' => {
                    let [at] = self.take()?;
                    self.recall(at.into())?;
                }
                b'j' => {
                    let at = u32::from_le_bytes(self.take()?);
                    self.recall(at)?;
                }
                other => return Err(Refusal::Foreign(format!("instruction {other:#04x}"))),
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| wrong("it breaks off"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn leaf<const N: usize>(&mut self) -> Result<()> {
        self.take::<N>()?;
        self.stack.push(LEAF);
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let end =
            self.rest.iter().position(|b| *b == b'\n').ok_or_else(|| wrong("it breaks off in a name"))?;
        let line = String::from_utf8_lossy(&self.rest[..end]).trim_end_matches('\r').to_owned();
        self.rest = &self.rest[end + 1..];
        Ok(line)
    }

    fn global(&mut self) -> Result<()> {
        let (module, class) = (self.line()?, self.line()?);
        if !ALLOWED.contains(&(module.as_str(), class.as_str())) {
            let name: String = format!("{module}.{class}").chars().take(120).collect();
            return Err(Refusal::Foreign(name));
        }
        self.stack.push(Item::Value { nodes: 2, depth: 1 });
        Ok(())
    }

    fn long(&mut self) -> Result<()> {
        let [n] = self.take()?;
        if n > 8 {
            return Err(wrong("a number of more than 64 bits"));
        }
        self.rest = self.rest.get(n.into()..).ok_or_else(|| wrong("it breaks off in a number"))?;
        self.stack.push(LEAF);
        Ok(())
    }

    fn text(&mut self) -> Result<()> {
        let len = u32::from_le_bytes(self.take()?) as usize;
        self.rest = self.rest.get(len..).ok_or_else(|| wrong("a text is longer than the file"))?;
        self.stack.push(Item::Value { nodes: 1 + len as u64 / 64, depth: 1 });
        Ok(())
    }

    fn pop(&mut self) -> Result<(u64, u32)> {
        match self.stack.pop() {
            Some(Item::Value { nodes, depth }) => Ok((nodes, depth)),
            _ => Err(wrong("a value is missing")),
        }
    }

    /// The values above the last mark, which goes too.
    fn pop_to_mark(&mut self) -> Result<(u64, u32)> {
        let (mut nodes, mut depth) = (0, 0);
        loop {
            match self.stack.pop() {
                Some(Item::Mark) => return Ok((nodes, depth)),
                Some(Item::Value { nodes: n, depth: d }) => {
                    nodes += n;
                    depth = depth.max(d);
                }
                None => return Err(wrong("a mark is missing")),
            }
        }
    }

    /// Pops `n` values and pushes one that holds them.
    fn group(&mut self, n: usize) -> Result<()> {
        let (mut nodes, mut depth) = (0, 0);
        for _ in 0..n {
            let (more, deep) = self.pop()?;
            nodes += more;
            depth = depth.max(deep);
        }
        self.push(nodes, depth)
    }

    fn group_to_mark(&mut self) -> Result<()> {
        let (nodes, depth) = self.pop_to_mark()?;
        self.push(nodes, depth)
    }

    /// Pops `n` values and puts them into the one below.
    fn merge_last(&mut self, n: usize) -> Result<()> {
        let (mut nodes, mut depth) = (0, 0);
        for _ in 0..n {
            let (more, deep) = self.pop()?;
            nodes += more;
            depth = depth.max(deep);
        }
        self.absorb(nodes, depth)
    }

    fn merge_to_mark(&mut self) -> Result<()> {
        let (nodes, depth) = self.pop_to_mark()?;
        self.absorb(nodes, depth)
    }

    /// The last value holds so much more: as deep as before, or one more than what comes in.
    fn absorb(&mut self, nodes: u64, depth: u32) -> Result<()> {
        let (own_nodes, own_depth) = self.pop()?;
        self.push(nodes + own_nodes - 1, depth.max(own_depth - 1))
    }

    fn push(&mut self, nodes: u64, depth: u32) -> Result<()> {
        if depth >= MAX_DEPTH {
            return Err(wrong("values are nested too deeply"));
        }
        self.stack.push(Item::Value { nodes: nodes + 1, depth: depth + 1 });
        Ok(())
    }

    fn remember(&mut self, at: u32) -> Result<()> {
        let last = *self.stack.last().ok_or_else(|| wrong("nothing to remember"))?;
        self.count_copy(last)?;
        self.memo.insert(at, last);
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Result<()> {
        let item = *self.memo.get(&at).ok_or_else(|| wrong("something was never remembered"))?;
        self.count_copy(item)?;
        self.stack.push(item);
        Ok(())
    }

    fn count_copy(&mut self, item: Item) -> Result<()> {
        let Item::Value { nodes, .. } = item else { return Err(wrong("a mark cannot be remembered")) };
        self.copied = self.copied.saturating_add(nodes);
        if self.copied > MAX_COPIED {
            return Err(wrong("it would grow far beyond its size"));
        }
        Ok(())
    }
}

fn wrong(why: &str) -> Refusal {
    Refusal::Broken(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(pickle: &[u8]) -> bool {
        matches!(scan(pickle), Err(Refusal::Broken(_)))
    }

    #[test]
    fn a_dictionary_passes() {
        assert_eq!(scan(b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01u."), Ok(()));
    }

    #[test]
    fn code_is_refused_by_name() {
        let pickle = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.";
        assert_eq!(scan(pickle), Err(Refusal::Foreign("posix.system".into())));
        assert_eq!(scan(b"\x80\x02i"), Err(Refusal::Foreign("instruction 0x69".into())));
    }

    #[test]
    fn lies_are_found_before_anything_is_made() {
        assert!(broken(b"\x80\x02X\xff\xff\xff\xffab."), "a text longer than the file");
        assert!(broken(b"\x80\x02\x8a\x09123456789."), "a number of nine bytes");
        assert!(broken(b"\x80\x02h\x00."), "nothing remembered");
        assert!(broken(b"\x80\x02t."), "no mark");
        assert!(broken(b"\x80\x02R."), "nothing to call");
        assert!(broken(b"\x80\x02}"), "no end");
        assert!(broken(b""), "nothing");
    }

    #[test]
    fn nesting_is_bounded() {
        let mut pickle = b"\x80\x02)".to_vec();
        pickle.extend([0x85; 100]);
        pickle.push(b'.');
        assert!(broken(&pickle));
    }

    #[test]
    fn doubling_is_bounded() {
        let mut pickle = b"\x80\x02)q\x00".to_vec();
        for _ in 0..30 {
            pickle.extend(b"h\x00\x86q\x00");
        }
        pickle.push(b'.');
        assert!(broken(&pickle));
    }
}
