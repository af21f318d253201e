//! The models through candle's own operations, as they run on CUDA and Metal: weights that ask for a gradient take
//! the same forms, so that this machine's processor can show what they compute. Values against transformers, and
//! candle's `backward` through the whole model against PyTorch's gradients.

use super::forward::check_pass;
use super::*;
use candle_core::{D, Var};
use glassworks_engine::models::{ARCHITECTURES, WeightSource};
use glassworks_engine::nn::Weight;
use glassworks_engine::train::IGNORED;
use std::cell::RefCell;

const MODELS: [&str; 10] = [
    "llama-gqa",
    "llama-tied",
    "gpt2-tiny",
    "qwen2-window",
    "qwen3-tied",
    "mistral-window",
    "neox-parallel",
    "neox-serial",
    "gemma2-caps",
    "gemma3-local",
];

/// A checkpoint whose every tensor is a variable, under the checkpoint's name.
struct Vars {
    stored: HashMap<String, Tensor>,
    taken: RefCell<HashMap<String, Var>>,
}

impl Vars {
    fn read(folder: &Path) -> Self {
        let stored = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
        Self { stored, taken: RefCell::default() }
    }
}

impl WeightSource for Vars {
    fn has(&self, name: &str) -> bool {
        self.stored.contains_key(name)
    }

    fn dense(&self, name: &str, shape: &[usize]) -> anyhow::Result<Tensor> {
        assert_eq!(self.stored[name].dims(), shape, "{name}");
        let var = Var::from_tensor(&self.stored[name].to_dtype(candle_core::DType::F32)?)?;
        let tensor = var.as_tensor().clone();
        assert!(self.taken.borrow_mut().insert(name.to_owned(), var).is_none(), "{name} is read once");
        Ok(tensor)
    }

    fn linear(&self, name: &str, n_out: usize, n_in: usize) -> anyhow::Result<Weight> {
        Ok(Weight::Dense(self.dense(name, &[n_out, n_in])?))
    }
}

fn build(name: &str) -> (Box<dyn CausalLm>, Vars) {
    let folder = fixtures().join(name);
    let files = ModelFiles::open(&folder).unwrap();
    let architecture = ARCHITECTURES.iter().find(|a| a.name == files.config().architecture).unwrap();
    let vars = Vars::read(&folder);
    let model = (architecture.build)(files.config(), &vars).unwrap();
    (model, vars)
}

#[test]
fn candles_operations_give_the_references_numbers() {
    for name in MODELS {
        let (model, _) = build(name);
        let golden = Golden::read(&fixtures().join(name).join("golden.safetensors"));
        for prefix in ["p0.", "p1."] {
            check_pass(name, &*model, &golden, prefix);
        }
        let ids = golden.ids("p1.ids");
        let fused = values(&full_logits(&*load(&fixtures().join(name)), &ids));
        assert_close(name, &values(&full_logits(&*model, &ids)), &fused);
        // Piece by piece, through the cache.
        let mut cache = KvCache::new(model.shape());
        let pieces = [&ids[..20], &ids[20..21], &ids[21..]]
            .map(|piece| values(&logits(&*model, &mut cache, &mut Probe::Off, piece)));
        assert_close(name, &pieces.concat(), &fused);
    }
}

/// Σ −ln p(label) over the positions that have one, and how many they are.
fn loss(model: &dyn CausalLm, tokens: &[u32], labels: &[i32]) -> (Tensor, usize) {
    let logits = full_logits(model, tokens);
    let max = logits.detach().max_keepdim(D::Minus1).unwrap();
    let shifted = logits.broadcast_sub(&max).unwrap();
    let total = shifted.exp().unwrap().sum_keepdim(D::Minus1).unwrap().log().unwrap();
    let log_probs = shifted.broadcast_sub(&total).unwrap();
    // One for each position and its label, zero elsewhere.
    let (t, v) = logits.dims2().unwrap();
    let mut wanted = vec![0f32; t * v];
    let targets = labels.iter().skip(1).enumerate().filter(|(_, label)| **label != IGNORED);
    let n = targets.map(|(position, label)| wanted[position * v + *label as usize] = -1.0).count();
    let wanted = Tensor::from_vec(wanted, (t, v), &Device::Cpu).unwrap();
    ((log_probs * wanted).unwrap().sum_all().unwrap(), n)
}

#[test]
fn candles_backward_gives_pytorchs_gradients() {
    for name in MODELS {
        let (model, vars) = build(name);
        let golden = Golden::read(&fixtures().join(format!("training/{name}.safetensors")));
        let t = golden.tensors["tokens"].0[1];
        let tokens = golden.ids("tokens");
        let labels: Vec<i32> = golden.tensors["labels"].1.iter().map(|l| *l as i32).collect();
        let rows: Vec<(Tensor, usize)> =
            tokens.chunks(t).zip(labels.chunks(t)).map(|(ids, labels)| loss(&*model, ids, labels)).collect();
        let n: usize = rows.iter().map(|(_, n)| n).sum();
        let sum = rows.iter().map(|(sum, _)| sum).fold(None, |all: Option<Tensor>, sum| match all {
            Some(all) => Some((all + sum).unwrap()),
            None => Some(sum.clone()),
        });
        let mean = (sum.unwrap() / n as f64).unwrap();
        assert_close(name, &[mean.to_scalar::<f32>().unwrap()], &golden.tensors["loss"].1);
        let grads = mean.backward().unwrap();
        let taken = vars.taken.borrow();
        for (parameter, var) in taken.iter() {
            let grad = grads.get(var).unwrap_or_else(|| panic!("{name}: {parameter} has no gradient"));
            golden.check(name, &format!("grad.{parameter}"), grad);
        }
        let theirs = golden.tensors.keys().filter(|key| key.starts_with("grad.")).count();
        assert_eq!(taken.len(), theirs, "{name}: every gradient was compared");
    }
}
