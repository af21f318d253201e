//! Which instruction set the kernels run on: what the machine has, what it is held to, and the macro that
//! compiles one plain body for each of them.
#![expect(
    unsafe_code,
    reason = "asks the processor and the kernel for AMX, and calls what was compiled for wider sets"
)]

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set, narrowest first. Each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Isa {
    /// What every processor of this architecture has.
    Scalar,
    /// AVX2, FMA and F16C.
    Avx2,
    /// AVX-512 F, BW, CD, DQ and VL; and its bf16 where the processor has it, see [`has_bf16`].
    Avx512,
    /// AMX tiles with bf16, on top of AVX-512 and its conversions to bf16.
    Amx,
}

impl Isa {
    /// All of them, narrowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Avx2, Self::Avx512, Self::Amx];

    /// The name that [`FromStr`] reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        }
    }

    /// Those this machine can run, narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| *isa <= detected())
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is not an instruction set's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownIsa(pub String);

impl fmt::Display for UnknownIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not one of scalar, avx2, avx512, amx", self.0)
    }
}

impl std::error::Error for UnknownIsa {}

impl FromStr for Isa {
    type Err = UnknownIsa;

    fn from_str(name: &str) -> Result<Self, UnknownIsa> {
        Self::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(|| UnknownIsa(name.to_owned()))
    }
}

/// How exactly matrix products are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// f32 throughout.
    #[default]
    Exact,
    /// Inputs rounded to bf16, sums in f32, where that is faster; otherwise like `Exact`.
    Fast,
}

static CAP: AtomicU8 = AtomicU8::new(Isa::Amx as u8);

/// The widest instruction set this machine has.
#[must_use]
pub fn detected() -> Isa {
    static DETECTED: OnceLock<Isa> = OnceLock::new();
    *DETECTED.get_or_init(detect)
}

/// The instruction set in use: the widest that the machine has and the cap admits.
#[must_use]
pub fn active() -> Isa {
    let cap = match CAP.load(Ordering::Relaxed) {
        0 => Isa::Scalar,
        1 => Isa::Avx2,
        2 => Isa::Avx512,
        _ => Isa::Amx,
    };
    cap.min(detected())
}

/// Whether [`Precision::Fast`] rounds to bf16 on `isa`: on AMX, and on AVX-512 where the processor multiplies
/// pairs of bf16 at twice the rate of f32.
#[must_use]
pub fn has_bf16(isa: Isa) -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    isa >= Isa::Avx512 && found
}

/// Whether small integers are multiplied and added four at a time on `isa`: on AVX-512 with VNNI.
#[must_use]
pub fn has_vnni(isa: Isa) -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = is_x86_feature_detected!("avx512vnni");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    isa >= Isa::Avx512 && found
}

/// Holds every later kernel of this process to `cap` or less.
pub fn set_cap(cap: Isa) {
    CAP.store(cap as u8, Ordering::Relaxed);
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Isa {
    if !(is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c"))
    {
        return Isa::Scalar;
    }
    if !(is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl"))
    {
        return Isa::Avx2;
    }
    if is_x86_feature_detected!("avx512bf16") && amx_usable() { Isa::Amx } else { Isa::Avx512 }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Isa {
    Isa::Scalar
}

/// Whether the processor has AMX with bf16 and the kernel lends this process the tile registers.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn amx_usable() -> bool {
    use std::arch::asm;
    use std::arch::x86_64::__cpuid_count;
    /// Leaf 7, register edx.
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    const SYS_ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const XFEATURE_XTILEDATA: u64 = 18;

    let edx = __cpuid_count(7, 0).edx;
    if edx & AMX_BF16 == 0 || edx & AMX_TILE == 0 {
        return false;
    }
    let status: i64;
    // SAFETY: arch_prctl(ARCH_REQ_XCOMP_PERM, 18) takes integers only, touches no memory of ours, and answers
    // an error where the kernel or the machine does not know it. The syscall clobbers rcx and r11, as declared.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") SYS_ARCH_PRCTL => status,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    status == 0
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn amx_usable() -> bool {
    false
}

/// Compiles one plain, vectorisable body three times: as it is, for AVX2 with FMA, and for AVX-512; the
/// generated function takes the [`Isa`] first and runs the widest it names.
///
/// The body sees `FMA`, a constant: whether `f32::mul_add` is one instruction there (a slow call elsewhere).
/// It is inlined into each version, so whatever it calls should be `#[inline(always)]` too.
///
/// ```text
/// vectorised! {
///     /// y += a·x
///     pub(crate) fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
///         for (y, x) in y.iter_mut().zip(x) { *y += a * x; }
///     }
/// }
/// axpy(dispatch::active(), 2.0, &x, &mut y);
/// ```
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name(isa: $crate::dispatch::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,f16c")]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    const FMA: bool = true;
                    let _ = FMA;
                    $body
                }
                #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) $(-> $ret)? {
                    const FMA: bool = true;
                    let _ = FMA;
                    $body
                }
                if isa >= $crate::dispatch::Isa::Avx2 {
                    debug_assert!(isa <= $crate::dispatch::detected());
                    // SAFETY: an `Isa` is only ever run up to what `detected` found.
                    return unsafe {
                        if isa >= $crate::dispatch::Isa::Avx512 { avx512($($arg),*) } else { avx2($($arg),*) }
                    };
                }
            }
            const FMA: bool = false;
            let _ = (isa, FMA);
            $body
        }
    };
}
pub(crate) use vectorised;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert_eq!("sse".parse::<Isa>(), Err(UnknownIsa("sse".to_owned())));
    }

    #[test]
    fn active_never_exceeds_what_the_machine_has() {
        assert!(active() <= detected());
        assert!(Isa::available().all(|isa| isa <= detected()));
    }
}
