//! Rotary position embedding (Su et al. 2021), halves turned against each other as Hugging Face checkpoints have
//! it, with the ways of stretching it that are in use.

use super::ops;
use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};

#[derive(Clone, Debug, PartialEq)]
pub struct RopeConfig {
    /// The base of the geometric series of wavelengths.
    pub theta: f64,
    /// How many elements of a head are turned, an even number up to E.
    pub width: usize,
    pub scaling: RopeScaling,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    /// Positions divided by the factor (Chen et al. 2023).
    Linear {
        factor: f64,
    },
    /// Llama 3.1: long waves stretched, short ones kept, a smooth passage between.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_context_length: usize,
    },
    /// One divisor for each of the `width / 2` frequencies, as GGUF's `rope_freqs.weight` stores them.
    Divisors(Vec<f32>),
}

impl RopeScaling {
    /// Whether its numbers make frequencies: positive, finite, in order.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::None => true,
            Self::Linear { factor } => factor.is_finite() && *factor > 0.0,
            Self::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_context_length,
            } => {
                let positive = [factor, low, high].iter().all(|x| x.is_finite() && **x > 0.0);
                positive && low < high && *original_context_length > 0
            }
            Self::Divisors(divisors) => divisors.iter().all(|d| d.is_finite() && *d > 0.0),
        }
    }
}

/// The frequencies, ready to make angles for any positions.
pub struct Rope {
    /// `[R/2]`, radians per position
    frequencies: Vec<f32>,
}

/// The angles of a stretch of positions, made once a pass and used by every layer.
pub struct Angles {
    /// `[T, R/2]`
    cos: Tensor,
    /// `[T, R/2]`
    sin: Tensor,
}

impl Rope {
    pub fn new(config: &RopeConfig) -> Result<Self> {
        let half = config.width / 2;
        // f32 throughout, as the reference computes them: at position 8,000 a better rounded frequency would
        // turn a head by a visibly different angle.
        let frequencies = (0..half).map(|i| {
            let exponent = (2 * i) as f32 / config.width as f32;
            1.0 / (config.theta as f32).powf(exponent)
        });
        let frequencies: Vec<f32> = match &config.scaling {
            RopeScaling::None => frequencies.collect(),
            RopeScaling::Linear { factor } => frequencies.map(|f| f / *factor as f32).collect(),
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_context_length } => {
                let original = *original_context_length as f32;
                let (low, high) = (*low_freq_factor as f32, *high_freq_factor as f32);
                frequencies.map(|f| llama3_frequency(f, *factor as f32, low, high, original)).collect()
            }
            RopeScaling::Divisors(divisors) => {
                ensure!(divisors.len() == half, "{} rope divisors for {half} frequencies", divisors.len());
                frequencies.zip(divisors).map(|(f, d)| f / d).collect()
            }
        };
        Ok(Self { frequencies })
    }

    /// Cosines and sines of `t` positions from `first` on, `[t, R/2]` each.
    #[must_use]
    pub fn tables(&self, first: usize, t: usize) -> (Vec<f32>, Vec<f32>) {
        let angles = (first..first + t).flat_map(|p| self.frequencies.iter().map(move |f| p as f32 * f));
        let (sin, cos) = angles.map(f32::sin_cos).unzip();
        (cos, sin)
    }

    /// How many elements of a head are turned: R.
    #[must_use]
    pub fn width(&self) -> usize {
        2 * self.frequencies.len()
    }

    /// The angles of `t` positions from `first` on, on `device`.
    pub fn angles(&self, first: usize, t: usize, device: &Device) -> Result<Angles> {
        let half = self.frequencies.len();
        let (cos, sin) = self.tables(first, t);
        Ok(Angles {
            cos: Tensor::from_vec(cos, (t, half), device)?,
            sin: Tensor::from_vec(sin, (t, half), device)?,
        })
    }
}

impl Angles {
    /// `[T, H, E]` → `[H, T, E]`, turned.
    pub fn turn(&self, x: &Tensor) -> Result<Tensor> {
        Ok(ops::rope(x, &self.cos, &self.sin)?)
    }
}

fn llama3_frequency(f: f32, factor: f32, low: f32, high: f32, original: f32) -> f32 {
    let wavelength = 2.0 * std::f32::consts::PI / f;
    if wavelength > original / low {
        f / factor
    } else if wavelength < original / high {
        f
    } else {
        let smooth = (original / wavelength - low) / (high - low);
        (1.0 - smooth) * f / factor + smooth * f
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequencies(theta: f64, width: usize, scaling: RopeScaling) -> Vec<f32> {
        Rope::new(&RopeConfig { theta, width, scaling }).unwrap().frequencies
    }

    #[test]
    fn waves_grow_geometrically() {
        let check = |scaling, expected: [f32; 4]| {
            for (f, expected) in frequencies(10_000.0, 8, scaling).iter().zip(expected) {
                assert!((f / expected - 1.0).abs() < 1e-6, "{f}, expected {expected}");
            }
        };
        check(RopeScaling::None, [1.0, 0.1, 0.01, 0.001]);
        check(RopeScaling::Linear { factor: 2.0 }, [0.5, 0.05, 0.005, 0.0005]);
        check(RopeScaling::Divisors(vec![1.0, 2.0, 4.0, 8.0]), [1.0, 0.05, 0.0025, 0.000_125]);
    }

    /// Llama 3.1's own numbers: waves up to 2,048 positions stay, those from 8,192 on are eight times as long.
    #[test]
    fn llama3_stretches_long_waves() {
        let scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_context_length: 8192,
        };
        let plain = frequencies(500_000.0, 128, RopeScaling::None);
        let scaled = frequencies(500_000.0, 128, scaling);
        for (f, scaled) in plain.iter().zip(&scaled) {
            let wavelength = std::f32::consts::TAU / f;
            let ratio = f / scaled;
            if wavelength < 2048.0 {
                assert_eq!(ratio, 1.0);
            } else if wavelength > 8192.0 {
                assert_eq!(ratio, 8.0);
            } else {
                assert!((1.0..=8.0).contains(&ratio), "{ratio}");
            }
        }
        assert!(scaled.is_sorted_by(|a, b| a > b), "the passage is smooth");
    }

    #[test]
    fn numbers_without_sense_are_not_sound() {
        assert!(RopeScaling::Linear { factor: 2.0 }.is_sound());
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!RopeScaling::Linear { factor }.is_sound());
        }
        let llama3 = |low_freq_factor, high_freq_factor, original_context_length| RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor,
            high_freq_factor,
            original_context_length,
        };
        assert!(llama3(1.0, 4.0, 64).is_sound());
        assert!(!llama3(4.0, 1.0, 64).is_sound());
        assert!(!llama3(1.0, 4.0, 0).is_sound());
        assert!(!RopeScaling::Divisors(vec![1.0, 0.0]).is_sound());
        let config = RopeConfig { theta: 10.0, width: 4, scaling: RopeScaling::Divisors(vec![1.0]) };
        assert!(Rope::new(&config).is_err(), "one divisor for two frequencies");
    }
}
