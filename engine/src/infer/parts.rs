//! A model taken apart for the pass: every matrix and vector where it lies, looked up once.

use super::Instead;
use crate::models::{BlockParts, CausalLm, MlpParts, ModelShape, Named, NormParts};
use crate::nn::matrix::{Floats, Frozen};
use crate::nn::{Linear, LinearId, Projection, Rope, Weight};
use anyhow::{Result, bail, ensure};
use candle_core::Tensor;
use glassworks_kernels::activation::Activation;
use glassworks_kernels::attention::AttentionShape;
use glassworks_kernels::norm;

pub struct Plan<'m> {
    pub shape: ModelShape,
    pub tokens: Frozen<'m>,
    pub embedding_scale: f32,
    /// Learned positions, where the model has them.
    pub positions: Option<Frozen<'m>>,
    pub ropes: Vec<&'m Rope>,
    pub blocks: Vec<Block<'m>>,
    pub norm: Norm<'m>,
    pub head: Map<'m>,
    pub logit_cap: Option<f32>,
}

pub struct Block<'m> {
    pub norm_1: Norm<'m>,
    pub qkv: Qkv<'m>,
    /// Of each head's queries and keys, before positions turn them.
    pub qk_norms: Option<[Norm<'m>; 2]>,
    /// Which of the ropes turns queries and keys.
    pub rope: Option<usize>,
    pub attention: AttentionShape,
    pub o: Map<'m>,
    pub after_attention: Option<Norm<'m>>,
    pub norm_2: Norm<'m>,
    pub mlp: Mlp<'m>,
    pub after_mlp: Option<Norm<'m>>,
    /// The MLP sees the block's input, not what attention has added to it.
    pub parallel: bool,
}

/// As [`Projection`].
#[expect(clippy::large_enum_variant, reason = "one a layer, and read in every pass")]
pub enum Qkv<'m> {
    Separate([Map<'m>; 3]),
    Joint(Map<'m>),
    ByHead(Map<'m>),
}

pub enum Mlp<'m> {
    Gated { gate: Map<'m>, up: Map<'m>, down: Map<'m>, activation: Activation },
    Plain { up: Map<'m>, down: Map<'m>, activation: Activation },
}

/// y = x·Wᵀ + b
pub struct Map<'m> {
    /// What adapters lie beside it under.
    pub id: LinearId,
    pub weight: Frozen<'m>,
    pub bias: Option<Floats<'m>>,
}

pub struct Norm<'m> {
    kind: Kind<'m>,
    eps: f32,
}

enum Kind<'m> {
    /// Factors.
    Rms(Vector<'m>),
    /// Factors and bias.
    Layer(Vector<'m>, Vector<'m>),
}

/// A vector where the model has it, or one made from it.
enum Vector<'m> {
    Stored(Floats<'m>),
    Made(Vec<f32>),
}

/// Where a plan finds its values: those that stand in for the model's own, by their names in the checkpoint.
pub struct Values<'m, 'i> {
    pub instead: &'i Instead<'m>,
}

impl<'m> Values<'m, '_> {
    fn get(&self, name: &str, what: &str) -> Option<&'m [f32]> {
        if self.instead.is_empty() {
            return None;
        }
        self.instead.get(&format!("{name}.{what}")).copied()
    }

    fn matrix(&self, name: &str, weight: &'m Weight) -> Result<Frozen<'m>> {
        match self.get(name, "weight") {
            Some(values) => Frozen::lent(weight, values),
            None => Frozen::of(weight),
        }
    }

    fn vector(&self, name: &str, what: &str, own: &'m Tensor) -> Result<Floats<'m>> {
        match self.get(name, what) {
            Some(values) => {
                ensure!(values.len() == own.elem_count(), "{name}.{what} has another length");
                Ok(Floats::lent(values))
            }
            None => Floats::of(own),
        }
    }
}

impl<'m> Plan<'m> {
    /// # Errors
    /// If a weight is not in main memory, or parts do not fit together.
    pub fn of(model: &'m dyn CausalLm, values: &Values<'m, '_>) -> Result<Self> {
        let parts = model.parts();
        let head_name = if parts.tied { &parts.tokens.name } else { &parts.lm_head.name };
        let width = parts.shape.head_width;
        ensure!(
            parts.ropes.iter().all(|rope| rope.width() <= width),
            "more of a head is turned than it is wide"
        );
        Ok(Self {
            shape: parts.shape,
            tokens: values.matrix(&parts.tokens.name, parts.tokens.part.weight())?,
            embedding_scale: parts.embedding_scale,
            positions: parts
                .positions
                .as_ref()
                .map(|p| values.matrix(&p.name, p.part.weight()))
                .transpose()?,
            ropes: parts.ropes.clone(),
            blocks: parts.blocks.iter().map(|block| Block::of(block, values)).collect::<Result<_>>()?,
            norm: Norm::of(&parts.norm, values)?,
            head: Map::of(head_name, parts.lm_head.part, values)?,
            logit_cap: parts.logit_cap,
        })
    }
}

impl<'m> Block<'m> {
    fn of(parts: &BlockParts<'m>, values: &Values<'m, '_>) -> Result<Self> {
        let attention = parts.attention;
        let map = |name: &str, linear: &'m Linear| Map::of(name, linear, values);
        let s = attention.shape;
        ensure!(
            s.n_kv_heads > 0 && s.n_heads.is_multiple_of(s.n_kv_heads),
            "heads do not divide into groups"
        );
        let qkv = match (&attention.qkv, parts.qkv_names.as_slice()) {
            (Projection::Separate { q, k, v }, [q_name, k_name, v_name]) => {
                Qkv::Separate([map(q_name, q)?, map(k_name, k)?, map(v_name, v)?])
            }
            (Projection::Joint(qkv), [name]) => {
                // Norms and positions are for queries and keys that lie apart.
                ensure!(parts.qk_norms.is_none() && parts.rope.is_none(), "queries and keys lie together");
                Qkv::Joint(map(name, qkv)?)
            }
            (Projection::ByHead(qkv), [name]) => {
                ensure!(s.n_heads == s.n_kv_heads, "a head has a key of its own");
                Qkv::ByHead(map(name, qkv)?)
            }
            _ => bail!("a projection and its names do not match"),
        };
        let qk_norms = match &parts.qk_norms {
            Some([q, k]) => Some([Norm::of(q, values)?, Norm::of(k, values)?]),
            None => None,
        };
        let after = |norm: &Option<Named<NormParts<'m>>>| {
            norm.as_ref().map(|norm| Norm::of(norm, values)).transpose()
        };
        Ok(Self {
            norm_1: Norm::of(&parts.norm_1, values)?,
            qkv,
            qk_norms,
            rope: parts.rope,
            attention: AttentionShape {
                n_heads: s.n_heads,
                n_kv_heads: s.n_kv_heads,
                head_width: s.head_width,
                scale: attention.scale,
                causal: true,
                window: attention.window,
                soft_cap: attention.soft_cap,
            },
            o: map(&parts.o_name, &attention.o)?,
            after_attention: after(&parts.after_attention)?,
            norm_2: Norm::of(&parts.norm_2, values)?,
            mlp: match &parts.mlp {
                MlpParts::Gated { mlp, gate, up, down } => Mlp::Gated {
                    gate: map(gate, &mlp.gate)?,
                    up: map(up, &mlp.up)?,
                    down: map(down, &mlp.down)?,
                    activation: mlp.activation.into(),
                },
                MlpParts::Plain { mlp, up, down } => Mlp::Plain {
                    up: map(up, &mlp.up)?,
                    down: map(down, &mlp.down)?,
                    activation: mlp.activation.into(),
                },
            },
            after_mlp: after(&parts.after_mlp)?,
            parallel: parts.parallel,
        })
    }
}

impl<'m> Map<'m> {
    fn of(name: &str, linear: &'m Linear, values: &Values<'m, '_>) -> Result<Self> {
        Ok(Self {
            id: linear.id(),
            weight: values.matrix(name, linear.weight())?,
            bias: linear.bias().map(|bias| values.vector(name, "bias", bias)).transpose()?,
        })
    }
}

impl<'m> Norm<'m> {
    fn of(named: &Named<NormParts<'m>>, values: &Values<'m, '_>) -> Result<Self> {
        let name = &named.name;
        Ok(match named.part {
            NormParts::Rms(norm) => {
                let (weight, offset, eps) = norm.parts();
                let weight = values.vector(name, "weight", weight)?;
                let factors = if offset == 0.0 {
                    Vector::Stored(weight)
                } else {
                    Vector::Made(weight.values().iter().map(|w| w + offset).collect())
                };
                Self { kind: Kind::Rms(factors), eps: eps as f32 }
            }
            NormParts::Layer(norm) => {
                let (weight, bias, eps) = norm.parts();
                let stored = |what, own| values.vector(name, what, own).map(Vector::Stored);
                Self { kind: Kind::Layer(stored("weight", weight)?, stored("bias", bias)?), eps: eps as f32 }
            }
        })
    }

    /// `[.., D]` → `[.., D]`; `found` has room for two numbers a row.
    pub fn apply(&self, x: &[f32], y: &mut [f32], found: &mut [f32]) {
        match &self.kind {
            Kind::Rms(factors) => {
                let factors = factors.values();
                norm::rms_norm(x, factors, self.eps, y, &mut found[..x.len() / factors.len()]);
            }
            Kind::Layer(factors, bias) => {
                let factors = factors.values();
                let rows = x.len() / factors.len();
                let (mean, inv) = found.split_at_mut(rows);
                norm::layer_norm(x, factors, bias.values(), self.eps, y, mean, &mut inv[..rows]);
            }
        }
    }
}

impl Norm<'_> {
    /// What a direction behind this norm is before it, the norm's scale frozen as it is for `like` `[D]`:
    /// `direction · norm(x) = back · x + bias` for x = like. Gives back and bias.
    pub fn back(&self, like: &[f32], direction: &[f32]) -> (Vec<f32>, f64) {
        let n = like.len() as f64;
        let sum = |f: &dyn Fn(f64) -> f64| like.iter().map(|x| f(f64::from(*x))).sum::<f64>();
        let scaled = |factors: &[f32], inv: f64| -> Vec<f64> {
            direction.iter().zip(factors).map(|(d, w)| f64::from(*d) * f64::from(*w) * inv).collect()
        };
        match &self.kind {
            Kind::Rms(factors) => {
                let inv = 1.0 / (sum(&|x| x * x) / n + f64::from(self.eps)).sqrt();
                (scaled(factors.values(), inv).into_iter().map(|d| d as f32).collect(), 0.0)
            }
            Kind::Layer(factors, bias) => {
                let mean = sum(&|x| x) / n;
                let inv = 1.0 / (sum(&|x| (x - mean).powi(2)) / n + f64::from(self.eps)).sqrt();
                let back = scaled(factors.values(), inv);
                // Centring x and centring the direction come to the same.
                let middle = back.iter().sum::<f64>() / n;
                let bias =
                    direction.iter().zip(bias.values()).map(|(d, b)| f64::from(*d) * f64::from(*b)).sum();
                (back.into_iter().map(|d| (d - middle) as f32).collect(), bias)
            }
        }
    }
}

impl Vector<'_> {
    fn values(&self) -> &[f32] {
        match self {
            Self::Stored(floats) => floats.values(),
            Self::Made(values) => values,
        }
    }
}
