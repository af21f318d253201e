//! A fast hash of bytes that is the same in every build: it lies on disk.

/// Two products of 64 bits to each 16 bytes, folded, as wyhash does (Wang Yi, public domain).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash(u64);

const FIRST: u64 = 0xa076_1d64_78bd_642f;
const SECOND: u64 = 0xe703_7ed1_a0b4_28db;
const THIRD: u64 = 0x8ebc_6af0_9c88_c6e3;

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

impl Hash {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// A piece; where one ends and the next begins is part of the hash.
    pub(crate) fn piece(&mut self, bytes: &[u8]) {
        let (pairs, rest) = bytes.as_chunks::<16>();
        for pair in pairs {
            self.0 = fold(word(&pair[..8]) ^ SECOND, word(&pair[8..]) ^ self.0);
        }
        let (low, high) = rest.split_at(rest.len().min(8));
        self.0 = fold(word(low) ^ SECOND, word(high) ^ self.0);
        self.0 = fold(self.0 ^ bytes.len() as u64, THIRD);
    }

    pub(crate) fn value(self) -> u64 {
        fold(self.0 ^ SECOND, FIRST)
    }
}

#[cfg(test)]
mod tests {
    use super::Hash;

    fn hash(pieces: &[&[u8]]) -> u64 {
        let mut hash = Hash::new();
        pieces.iter().for_each(|piece| hash.piece(piece));
        hash.value()
    }

    #[test]
    fn it_stays_as_it_lies_on_disk_and_tells_pieces_apart() {
        assert_eq!(hash(&[b"one", b"two"]), hash(&[b"one", b"two"]));
        assert_ne!(hash(&[b"one", b"two"]), hash(&[b"on", b"etwo"]));
        assert_ne!(hash(&[b""]), hash(&[b"\0"]));
        assert_ne!(hash(&[]), hash(&[b""]));
        let all: std::collections::HashSet<u64> =
            (0..100_000_u32).map(|n| hash(&[n.to_string().as_bytes()])).collect();
        assert_eq!(all.len(), 100_000);
    }
}
