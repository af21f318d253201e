//! The storage types a matrix can be kept in, and their sizes.

use glassworks_kernels::quant::{QuantType, Quantised};

/// How a row is stored. The 32-element types and the K types are ggml's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockType {
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

impl BlockType {
    pub const ALL: [Self; 12] = [
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// As ggml spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2K => "Q2_K",
            Self::Q3K => "Q3_K",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Elements in a block.
    #[must_use]
    pub fn elements(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q2K | Self::Q3K | Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2K => 84,
            Self::Q3K => 110,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// Bytes of a row of `cols` elements; `None` when they do not divide into blocks.
    #[must_use]
    pub fn row_bytes(self, cols: usize) -> Option<usize> {
        cols.is_multiple_of(self.elements()).then(|| (cols / self.elements()).checked_mul(self.bytes()))?
    }

    /// What a matrix of this type takes in memory; `None` when its rows do not divide into blocks.
    #[must_use]
    pub fn loaded_bytes(self, rows: usize, cols: usize) -> Option<u64> {
        let row_bytes = self.row_bytes(cols)?;
        Some(match self.quantised() {
            Some(quant_type) => Quantised::bytes_for(quant_type, rows, cols) as u64,
            None => (rows as u64).checked_mul(row_bytes as u64)?,
        })
    }

    /// The kernels' name for it, where they have products of its own.
    pub(super) fn quantised(self) -> Option<QuantType> {
        Some(match self {
            Self::F16 | Self::BF16 | Self::Q2K | Self::Q3K => return None,
            Self::Q4_0 => QuantType::Q4_0,
            Self::Q4_1 => QuantType::Q4_1,
            Self::Q5_0 => QuantType::Q5_0,
            Self::Q5_1 => QuantType::Q5_1,
            Self::Q8_0 => QuantType::Q8_0,
            Self::Q4K => QuantType::Q4K,
            Self::Q5K => QuantType::Q5K,
            Self::Q6K => QuantType::Q6K,
        })
    }
}
