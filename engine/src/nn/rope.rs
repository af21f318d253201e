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

    /// The angles of `t` positions from `first` on.
    pub fn angles(&self, first: usize, t: usize) -> Result<Angles> {
        let half = self.frequencies.len();
        let angles = (first..first + t).flat_map(|p| self.frequencies.iter().map(move |f| p as f32 * f));
        let (sin, cos): (Vec<f32>, Vec<f32>) = angles.map(f32::sin_cos).unzip();
        Ok(Angles {
            cos: Tensor::from_vec(cos, (t, half), &Device::Cpu)?,
            sin: Tensor::from_vec(sin, (t, half), &Device::Cpu)?,
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
