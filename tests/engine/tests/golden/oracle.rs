//! Candle's own Llama as a second oracle, over a prompt of the whole context.

use super::*;
use candle_core::DType;
use candle_transformers::models::llama::{Cache, Llama, LlamaConfig};

#[test]
fn candles_llama_agrees() {
    for name in ["llama-gqa", "llama-tied"] {
        let folder = fixtures().join(name);
        // The spelling of transformers 4 is the one that candle reads.
        let v4 = folder.join("config.v4.json");
        let config = if v4.exists() { v4 } else { folder.join("config.json") };
        let config: LlamaConfig = serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
        let config = config.into_config(false);
        let tensors = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
        let vars = candle_nn::VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let theirs = Llama::load(vars, &config).unwrap();
        let ours = load(&folder);
        let ids: Vec<u32> = (0..ours.shape().context_length as u32).map(|i| (i * i * 7 + 3) % 512).collect();
        let mut cache = Cache::new(false, DType::F32, &config, &Device::Cpu).unwrap();
        let input = Tensor::new(ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let last = values(&theirs.forward(&input, 0, &mut cache).unwrap());
        let full = values(&full_logits(&*ours, &ids));
        assert_close(name, &full[full.len() - last.len()..], &last);
    }
}
