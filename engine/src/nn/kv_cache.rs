//! Keys and values of the positions that a sequence has been through.

use super::ModelShape;
use anyhow::{Result, ensure};
use candle_core::{DType, Device, Tensor};

/// Capacity comes in multiples of this many positions.
const CHUNK: usize = 256;

/// One sequence's keys and values, written in place. Grows by an eighth at least, up to the model's context, so
/// that a short chat with a long-context model stays small. It lies where the keys and values do that are put in.
pub struct KvCache {
    layers: Vec<Option<Layer>>,
    shape: ModelShape,
    len: usize,
}

struct Layer {
    /// `[K, capacity, E]`
    keys: Tensor,
    /// `[K, capacity, E]`
    values: Tensor,
}

impl KvCache {
    /// Empty; allocates nothing yet.
    pub fn new(shape: &ModelShape) -> Self {
        Self { layers: (0..shape.n_layers).map(|_| None).collect(), shape: *shape, len: 0 }
    }

    /// Positions that every layer has been through.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all positions from `len` on. Memory is kept.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// A copy of the first `len` positions.
    ///
    /// # Errors
    /// When a tensor can't be copied.
    pub fn prefix(&self, len: usize) -> Result<Self> {
        let len = len.min(self.len);
        let mut copy = Self::new(&self.shape);
        for (layer_idx, layer) in self.layers.iter().enumerate() {
            let Some(layer) = layer else { continue };
            let (k, v) = (layer.keys.narrow(1, 0, len)?, layer.values.narrow(1, 0, len)?);
            copy.extend(layer_idx, &k.contiguous()?, &v.contiguous()?)?;
        }
        copy.advance(len);
        Ok(copy)
    }

    /// What is allocated.
    pub fn size_bytes(&self) -> u64 {
        self.layers.iter().flatten().map(|l| 2 * l.keys.elem_count() as u64 * 4).sum()
    }

    /// The most that a cache which has grown to `n_positions` holds.
    #[must_use]
    pub fn bytes_for(shape: &ModelShape, n_positions: usize) -> u64 {
        let capacity = next_capacity(n_positions, n_positions, shape.context_length);
        2 * 4 * (shape.n_layers * shape.n_kv_heads * capacity * shape.head_width) as u64
    }

    /// Takes the keys and values of the positions after `len` (`[K, T, E]` each, contiguous) and gives those of
    /// all positions, `[K, S, E]` with gaps between the heads. They count only once [`Self::advance`] is called,
    /// so that a pass which fails half way leaves the cache as it was.
    ///
    /// The cache holds numbers, not the graph: a gradient reaches the positions of this pass, those before it are
    /// constants.
    pub fn extend(&mut self, layer_idx: usize, k: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
        let (_, t, _) = k.dims3()?;
        let len = self.len + t;
        ensure!(len <= self.shape.context_length, "position {len} is past the context");
        let layer = self.reserve(layer_idx, len, k.device())?;
        layer.keys.slice_set(k, 1, len - t)?;
        layer.values.slice_set(v, 1, len - t)?;
        if k.track_op() || v.track_op() {
            return Ok((after(&layer.keys, len - t, k)?, after(&layer.values, len - t, v)?));
        }
        Ok((layer.keys.narrow(1, 0, len)?, layer.values.narrow(1, 0, len)?))
    }

    /// The pass is through: `t` more positions count.
    pub fn advance(&mut self, t: usize) {
        self.len += t;
    }

    fn reserve(&mut self, layer_idx: usize, len: usize, device: &Device) -> Result<&Layer> {
        let old = self.layers[layer_idx].take();
        let capacity = old.as_ref().map_or(0, |l| l.keys.dims()[1]);
        let layer = match old {
            Some(layer) if capacity >= len => layer,
            old => {
                let capacity = next_capacity(capacity, len, self.shape.context_length);
                let dims = (self.shape.n_kv_heads, capacity, self.shape.head_width);
                let layer = Layer {
                    keys: Tensor::zeros(dims, DType::F32, device)?,
                    values: Tensor::zeros(dims, DType::F32, device)?,
                };
                if let Some(old) = old.filter(|_| self.len > 0) {
                    layer.keys.slice_set(&old.keys.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
                    layer.values.slice_set(&old.values.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
                }
                layer
            }
        };
        Ok(self.layers[layer_idx].insert(layer))
    }
}

/// The first `n` positions of `stored`, copied, and `new` after them with its graph: `[K, n + T, E]`.
fn after(stored: &Tensor, n: usize, new: &Tensor) -> Result<Tensor> {
    if n == 0 {
        return Ok(new.clone());
    }
    Ok(Tensor::cat(&[&stored.narrow(1, 0, n)?.contiguous()?, new], 1)?)
}

fn next_capacity(capacity: usize, len: usize, context_length: usize) -> usize {
    len.max(capacity + capacity / 8).next_multiple_of(CHUNK).min(context_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ModelShape = ModelShape {
        n_layers: 2,
        width: 8,
        n_heads: 4,
        n_kv_heads: 2,
        head_width: 2,
        mlp_width: 8,
        vocab_size: 10,
        context_length: 1000,
    };

    /// `t` positions of both heads, each element its own number from `first` on.
    fn positions(first: usize, t: usize) -> Tensor {
        let values =
            (0..2).flat_map(|head| (first..first + t).flat_map(move |p| [p as f32, (head * p) as f32]));
        Tensor::from_vec(values.collect(), (2, t, 2), &Device::Cpu).unwrap()
    }

    fn extend(cache: &mut KvCache, t: usize) -> (Tensor, Tensor) {
        let new = positions(cache.len(), t);
        let other = new.affine(-1.0, 0.0).unwrap();
        cache.extend(1, &other, &new).unwrap();
        let both = cache.extend(0, &new, &other).unwrap();
        cache.advance(t);
        both
    }

    fn check(cache: &KvCache, keys: &Tensor, values: &Tensor) {
        let expected = positions(0, cache.len());
        let read = |t: &Tensor| t.contiguous().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(keys.dims(), expected.dims());
        assert_eq!(read(keys), read(&expected));
        assert_eq!(read(values), read(&expected.affine(-1.0, 0.0).unwrap()));
    }

    #[test]
    fn what_was_written_stays_while_it_grows() {
        let mut cache = KvCache::new(&SHAPE);
        assert_eq!(cache.size_bytes(), 0);
        for t in [1, 254, 1, 1, 300, 43, 400] {
            let (keys, values) = extend(&mut cache, t);
            check(&cache, &keys, &values);
            assert!(cache.size_bytes() <= KvCache::bytes_for(&SHAPE, cache.len()), "{}", cache.len());
        }
        assert_eq!(cache.len(), 1000);
        assert!(cache.extend(0, &positions(1000, 1), &positions(1000, 1)).is_err(), "past the context");
    }

    #[test]
    fn cut_back_it_is_written_anew() {
        let mut cache = KvCache::new(&SHAPE);
        extend(&mut cache, 300);
        cache.truncate(500);
        assert_eq!(cache.len(), 300);
        cache.truncate(7);
        let (keys, values) = extend(&mut cache, 3);
        check(&cache, &keys, &values);
        cache.truncate(0);
        let (keys, values) = extend(&mut cache, 600);
        check(&cache, &keys, &values);
    }

    #[test]
    fn a_prefix_is_a_cache_of_its_own() {
        let mut cache = KvCache::new(&SHAPE);
        extend(&mut cache, 300);
        let mut copy = cache.prefix(7).unwrap();
        let (keys, values) = extend(&mut copy, 3);
        check(&copy, &keys, &values);
        let (keys, values) = extend(&mut cache, 1);
        check(&cache, &keys, &values);
    }

    #[test]
    fn a_pass_that_never_ended_does_not_count() {
        let mut cache = KvCache::new(&SHAPE);
        extend(&mut cache, 5);
        let lost = positions(100, 9);
        cache.extend(0, &lost, &lost).unwrap();
        let (keys, values) = extend(&mut cache, 2);
        check(&cache, &keys, &values);
    }

    /// With a graph the numbers are the same, and the gradient reaches what this pass put in.
    #[test]
    fn a_pass_with_a_graph_keeps_it() {
        let mut cache = KvCache::new(&SHAPE);
        for t in [3, 2] {
            let new = candle_core::Var::from_tensor(&positions(cache.len(), t)).unwrap();
            let other = positions(cache.len(), t).affine(-1.0, 0.0).unwrap();
            let (keys, values) = cache.extend(0, new.as_tensor(), &other).unwrap();
            cache.advance(t);
            check(&cache, &keys, &values);
            let grads = keys.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let twice = new.affine(2.0, 0.0).unwrap();
            let grad = grads.get(new.as_tensor()).expect("a gradient");
            assert_eq!(grad.to_vec3::<f32>().unwrap(), twice.to_vec3::<f32>().unwrap());
        }
        let (keys, values) = extend(&mut cache, 1);
        check(&cache, &keys, &values);
    }
}
