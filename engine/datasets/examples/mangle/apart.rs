//! Files of Parquet taken apart and put together again: numbers in the footer and in the headers of pages become
//! others, with all that depends on their lengths computed anew, so that readers get as far as to believe them.

/// A number or length in Thrift's compact protocol, by the ids and indices that lead to it.
#[derive(Clone, Debug)]
pub struct Spot {
    pub path: Vec<i64>,
    at: usize,
    len: usize,
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<i64>,
    spots: Vec<Spot>,
}

impl Scan<'_> {
    /// All numbers of the structure at the beginning of `bytes`, and where it ends.
    fn of(bytes: &[u8]) -> Option<(Vec<Spot>, usize)> {
        let mut scan = Scan { bytes, at: 0, path: Vec::new(), spots: Vec::new() };
        scan.value(12)?;
        Some((scan.spots, scan.at))
    }

    fn byte(&mut self) -> Option<u8> {
        let one = self.bytes.get(self.at).copied();
        self.at += 1;
        one
    }

    fn number(&mut self) -> Option<u64> {
        let at = self.at;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let one = self.byte()?;
            value |= u64::from(one & 0x7F).checked_shl(shift).unwrap_or(0);
            if one & 0x80 == 0 {
                break;
            }
        }
        self.spots.push(Spot { path: self.path.clone(), at, len: self.at - at });
        Some(value)
    }

    fn value(&mut self, kind: u8) -> Option<()> {
        if self.path.len() > 40 {
            return None;
        }
        match kind {
            1..=3 => self.at += 1,
            4..=6 => drop(self.number()?),
            7 => self.at += 8,
            8 => self.at += usize::try_from(self.number()?).ok()?,
            9 | 10 => {
                let head = self.byte()?;
                let n = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
                for at in 0..n.min(10_000) {
                    self.inside(at as i64, head & 0xF)?;
                }
            }
            12 => {
                let mut id = 0;
                loop {
                    let head = self.byte()?;
                    if head == 0 {
                        break;
                    }
                    id += if head >> 4 == 0 { unzigzag(self.number()?) } else { i64::from(head >> 4) };
                    if !matches!(head & 0xF, 1 | 2) {
                        self.inside(id, head & 0xF)?;
                    }
                }
            }
            _ => return None,
        }
        (self.at <= self.bytes.len()).then_some(())
    }

    fn inside(&mut self, step: i64, kind: u8) -> Option<()> {
        self.path.push(step);
        let done = self.value(kind);
        self.path.pop();
        done
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A number as the protocol writes it.
pub fn varint(value: i64) -> Vec<u8> {
    let mut left = (value << 1 ^ value >> 63) as u64;
    let mut out = Vec::new();
    while left > 0x7F {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out
}

/// With these values in place of those at the spots.
pub fn with(bytes: &[u8], mut edits: Vec<(Spot, i64)>) -> Vec<u8> {
    edits.sort_by_key(|(spot, _)| spot.at);
    let (mut out, mut done) = (Vec::new(), 0);
    for (spot, value) in edits {
        if spot.at >= done {
            out.extend_from_slice(&bytes[done..spot.at]);
            out.extend_from_slice(&varint(value));
            done = spot.at + spot.len;
        }
    }
    out.extend_from_slice(&bytes[done..]);
    out
}

/// A file taken apart: what comes before the footer, the footer, and the numbers in that.
pub struct Apart<'a> {
    pub body: &'a [u8],
    pub footer: &'a [u8],
    pub spots: Vec<Spot>,
}

impl<'a> Apart<'a> {
    /// `None` where the file is none that can be taken apart.
    pub fn of(file: &'a [u8]) -> Option<Self> {
        let tail = file.len().checked_sub(8)?;
        let n = u32::from_le_bytes(file[tail..tail + 4].try_into().ok()?) as usize;
        let begins = tail.checked_sub(n)?;
        let footer = &file[begins..tail];
        Some(Self { body: &file[..begins], footer, spots: Scan::of(footer)?.0 })
    }

    /// A number of a column: `row_groups[0].columns[column].meta_data.<id>`.
    fn of_column(&self, column: &[i64], id: i64) -> Option<&Spot> {
        self.spots
            .iter()
            .find(|spot| spot.path[..spot.path.len() - 1] == *column && spot.path.last() == Some(&id))
    }
}

/// A file of both.
pub fn together(body: &[u8], footer: &[u8]) -> Vec<u8> {
    let len = u32::try_from(footer.len()).unwrap_or(u32::MAX).to_le_bytes();
    [body, footer, &len, b"PAR1"].concat()
}

/// The number at a spot.
pub fn value(bytes: &[u8], spot: &Spot) -> i64 {
    let mut scan = Scan { bytes, at: spot.at, path: Vec::new(), spots: Vec::new() };
    scan.number().map_or(0, unzigzag)
}

/// A page that is changed: what its header says, and its values as they lie there.
pub struct Page<'a> {
    pub header: &'a [u8],
    pub spots: &'a [Spot],
    pub values: Vec<u8>,
}

/// The pages of a column told again behind all others, each as `change` makes it, and a footer that finds them there.
pub fn rebuilt(
    apart: &Apart,
    column: &[i64],
    change: &mut dyn FnMut(usize, bool, &mut Page) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let (size, data) = (apart.of_column(column, 7)?, apart.of_column(column, 9)?);
    let dictionary = apart.of_column(column, 11);
    let start = usize::try_from(value(apart.footer, dictionary.unwrap_or(data))).ok()?;
    let end = start.checked_add(usize::try_from(value(apart.footer, size)).ok()?)?;
    let mut rest = apart.body.get(start..end)?;
    let (mut again, mut second) = (Vec::new(), 0);
    for n in 0.. {
        if rest.is_empty() {
            break;
        }
        let (spots, used) = Scan::of(rest)?;
        let packed = spots.iter().find(|spot| spot.path == [3])?;
        let end = used.checked_add(usize::try_from(value(rest, packed)).ok()?)?;
        let mut page = Page { header: &rest[..used], spots: &spots, values: rest.get(used..end)?.to_vec() };
        rest = &rest[end..];
        let header = change(n, rest.is_empty(), &mut page);
        again.extend_from_slice(&header);
        again.extend_from_slice(&page.values);
        if n == 0 {
            second = again.len();
        }
    }
    let begins = apart.body.len() as i64;
    let mut edits = vec![(size.clone(), again.len() as i64)];
    match dictionary {
        Some(dictionary) => {
            edits.extend([(dictionary.clone(), begins), (data.clone(), begins + second as i64)]);
        }
        None => edits.push((data.clone(), begins)),
    }
    Some(together(&[apart.body, &again].concat(), &with(apart.footer, edits)))
}
