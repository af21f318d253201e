//! Training the weights themselves, all of them or a part: which ones.

use super::Tuner;

/// Which parameters stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartConfig {
    /// Layers before this one are frozen.
    pub first_layer: usize,
    /// The tables of tokens and positions, and the unembedding where it is the same matrix.
    pub freeze_embeddings: bool,
    pub freeze_norms: bool,
}

impl Tuner<'_> {
    pub(super) fn train_part(&mut self, part: PartConfig) {
        let params = &mut self.params;
        let table = (!part.freeze_embeddings).then(|| {
            let table = self.tokens.train(params, &self.parts.tokens.name);
            if let (Some(positions), Some(named)) = (&mut self.positions, &self.parts.positions) {
                positions.train(params, &named.name);
            }
            table
        });
        for block in self.blocks.iter_mut().skip(part.first_layer) {
            if !part.freeze_norms {
                block.norms_mut().into_iter().for_each(|norm| norm.train(params));
            }
            block.linears_mut().into_iter().for_each(|linear| linear.train(params));
        }
        if !part.freeze_norms {
            self.norm.train(params);
        }
        match table {
            Some(table) if self.parts.tied => self.lm_head.share(table),
            None if self.parts.tied => {}
            _ => self.lm_head.train(params),
        }
    }
}
