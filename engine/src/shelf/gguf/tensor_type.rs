//! ggml's tensor types, by the numbers GGUF gives them.

use crate::nn::quant::BlockType;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorType {
    F32,
    /// Kept as it is stored.
    Block(BlockType),
    /// Not read: refused by its name if the model needs it.
    Other(u32),
}

/// Types that exist and are not read.
const OTHERS: &[(u32, &str)] = &[
    (4, "Q4_2"),
    (5, "Q4_3"),
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (40, "NVFP4"),
];

impl TensorType {
    #[must_use]
    pub fn of(code: u32) -> Self {
        Self::Block(match code {
            0 => return Self::F32,
            1 => BlockType::F16,
            2 => BlockType::Q4_0,
            3 => BlockType::Q4_1,
            6 => BlockType::Q5_0,
            7 => BlockType::Q5_1,
            8 => BlockType::Q8_0,
            10 => BlockType::Q2K,
            11 => BlockType::Q3K,
            12 => BlockType::Q4K,
            13 => BlockType::Q5K,
            14 => BlockType::Q6K,
            30 => BlockType::BF16,
            other => return Self::Other(other),
        })
    }

    /// As ggml spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::Block(block) => block.name(),
            Self::Other(code) => {
                OTHERS.iter().find(|(c, _)| *c == code).map_or("an unknown type", |(_, name)| name)
            }
        }
    }

    /// Bytes of a row of `cols` elements; `None` for types not read, and when the row isn't whole blocks.
    #[must_use]
    pub fn row_bytes(self, cols: usize) -> Option<usize> {
        match self {
            Self::F32 => cols.checked_mul(4),
            Self::Block(block) => block.row_bytes(cols),
            Self::Other(_) => None,
        }
    }
}
