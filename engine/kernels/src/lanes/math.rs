//! exp, tanh, erf and the sigmoid over lanes, without branches; relative error about 1e-7 to 5e-7.

use super::Lanes;

/// `eˣ`: 0 below −87.3, where results would be too small to be normal numbers (processors are slow to make
/// those, and softmax asks for many), ∞ above 88.73, not a number for not a number.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, the logarithm in two parts so that r is exact; eʳ by a polynomial of
/// degree 6 (the coefficients of Cephes' expf).
#[inline(always)]
pub(crate) fn exp<S: Lanes>(s: S, x: S::F) -> S::F {
    const LOWEST: f32 = -87.3;
    // The order of the operands lets what is not a number through, here and below.
    let given = x;
    let x = s.min(s.splat(89.0), s.max(s.splat(LOWEST), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.mul_add(n, s.splat(-0.693_359_4), x);
    let r = s.mul_add(n, s.splat(2.121_944_4e-4), r);
    let mut p = s.splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = s.mul_add(p, r, s.splat(c));
    }
    let p = s.add(s.mul_add(p, s.mul(r, r), r), s.splat(1.0));
    s.select_ge(s.splat(LOWEST), given, s.splat(0.0), s.scale2(p, n))
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Lanes>(s: S, x: S::F) -> S::F {
    s.div(s.splat(1.0), s.add(s.splat(1.0), exp(s, s.neg(x))))
}

/// p(x²) with the highest power's coefficient first.
#[inline(always)]
fn even<S: Lanes, const N: usize>(s: S, square: S::F, coefficients: [f32; N]) -> S::F {
    let mut p = s.splat(coefficients[0]);
    for c in &coefficients[1..] {
        p = s.mul_add(p, square, s.splat(*c));
    }
    p
}

/// The hyperbolic tangent, as x times a quotient of polynomials in x² (the coefficients of Eigen).
#[inline(always)]
pub(crate) fn tanh<S: Lanes>(s: S, x: S::F) -> S::F {
    const LIMIT: f32 = 7.905_311;
    let x = s.min(s.splat(LIMIT), s.max(s.splat(-LIMIT), x));
    let square = s.mul(x, x);
    let above = even(
        s,
        square,
        [
            -2.760_768_5e-16,
            2.000_188e-13,
            -8.604_672e-11,
            5.122_297e-8,
            1.485_722_4e-5,
            6.372_619e-4,
            4.893_524_6e-3,
        ],
    );
    let below = even(s, square, [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3]);
    s.div(s.mul(x, above), below)
}

/// The error function, as x times a quotient of polynomials in x² (the coefficients of Eigen).
#[inline(always)]
pub(crate) fn erf<S: Lanes>(s: S, x: S::F) -> S::F {
    const LIMIT: f32 = 4.0;
    let x = s.min(s.splat(LIMIT), s.max(s.splat(-LIMIT), x));
    let square = s.mul(x, x);
    let above = even(
        s,
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let below =
        even(s, square, [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2]);
    s.div(s.mul(x, above), below)
}
