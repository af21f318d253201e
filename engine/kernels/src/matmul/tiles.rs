//! AMX: two units of 32 times a reduction, in four tiles of sums.
//!
//! A unit is 32 rows of A or 32 columns of B in bf16, 32 steps of the reduction after another: two tiles of
//! 1,024 bytes for each. In a tile of A a row is a row of A; in a tile of B row r holds steps 2r and 2r + 1 of
//! each column (Intel's architecture manual, chapter on AMX, TDPBF16PS).
#![expect(unsafe_code, reason = "the instructions exist in assembly only")]

use std::arch::asm;

use half::bf16;

use super::fast::Engine;

/// Rows or columns of a unit.
pub(super) const UNIT: usize = 32;
/// Steps of the reduction that one instruction takes.
pub(super) const STEP: usize = 32;

#[repr(C, align(64))]
struct Config([u8; 64]);

/// Eight tiles of 16 rows of 64 bytes. A constant in memory: no store of it can be taken for unused.
static CONFIG: Config = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let mut tile = 0;
    while tile < 8 {
        bytes[16 + 2 * tile] = 64;
        bytes[48 + tile] = 16;
        tile += 1;
    }
    Config(bytes)
};

/// The tiles of this thread, configured; released when dropped.
pub(super) struct Tiles(());

impl Engine for Tiles {
    /// # Safety
    /// The machine has AMX and the process may use it: `dispatch::detected()` is `Isa::Amx`.
    unsafe fn begin() -> Self {
        // SAFETY: reads the 64 bytes of a valid configuration.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const CONFIG, options(nostack, readonly)) };
        Self(())
    }

    #[inline]
    unsafe fn multiply(
        &self,
        a: *const bf16,
        b: *const bf16,
        steps: usize,
        c: *mut f32,
        c_row: usize,
        add: bool,
    ) {
        let below = c.wrapping_add(16 * c_row);
        // SAFETY: the caller's promise; the tiles are configured while `self` lives, and used nowhere else.
        unsafe {
            if add {
                asm!(
                    "tileloadd tmm0, [{c0} + {row}*1]",
                    "tileloadd tmm1, [{c0} + {row}*1 + 64]",
                    "tileloadd tmm2, [{c1} + {row}*1]",
                    "tileloadd tmm3, [{c1} + {row}*1 + 64]",
                    c0 = in(reg) c, c1 = in(reg) below, row = in(reg) c_row * 4,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    options(nostack, readonly),
                );
            } else {
                asm!(
                    "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    options(nostack, nomem),
                );
            }
            asm!(
                "2:",
                "prefetcht0 [{ahead}]",
                "prefetcht0 [{ahead} + 64]",
                "prefetcht0 [{ahead} + {row}]",
                "prefetcht0 [{ahead} + {row} + 64]",
                "lea {ahead}, [{ahead} + 2*{row}]",
                "tileloadd tmm6, [{b} + {line}*1]",
                "tileloadd tmm4, [{a} + {line}*1]",
                "tileloadd tmm7, [{b} + {line}*1 + 1024]",
                "tileloadd tmm5, [{a} + {line}*1 + 1024]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {a}, 2048",
                "add {b}, 2048",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{c0} + {row}*1], tmm0",
                "tilestored [{c0} + {row}*1 + 64], tmm1",
                "tilestored [{c1} + {row}*1], tmm2",
                "tilestored [{c1} + {row}*1 + 64], tmm3",
                a = inout(reg) a => _,
                b = inout(reg) b => _,
                steps = inout(reg) steps => _,
                line = in(reg) 64usize,
                ahead = inout(reg) c => _,
                c0 = in(reg) c, c1 = in(reg) below, row = in(reg) c_row * 4,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: AMX is there, as `configure` was called.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}
