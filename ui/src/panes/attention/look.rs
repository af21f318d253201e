//! What is looked at, shared by all views: a layer, heads of it, who reads and what is read; and how it is shown.

use glassworks_protocol::inside::{Capture, LayerCapture, MapKind, Merge, Segmenting};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    #[default]
    Matrix,
    Lines,
    Text,
    Lens,
    Ablate,
}

/// How maps are shown; kept between runs of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    pub view: View,
    /// Colours show value^gamma.
    pub gamma: f32,
    pub merge: Merge,
    pub kind: MapKind,
    pub segmenting: Segmenting,
    pub order: super::order::Order,
    /// Lines are kept until they hold this much of a row, of 1.
    pub mass: f32,
    /// Scores that were measured, where there are some, not those of the text.
    pub measured: bool,
    /// Tiles show what switching heads off did, once that is known.
    pub effects: bool,
    pub lens: super::lens::LensBy,
    pub ground: super::hangs::Ground,
}

pub const GAMMA: f32 = 0.6;
pub const MASS: f32 = 0.7;

impl Default for Choices {
    fn default() -> Self {
        Self {
            view: View::default(),
            gamma: GAMMA,
            merge: Merge::default(),
            kind: MapKind::default(),
            segmenting: Segmenting::default(),
            order: super::order::Order::default(),
            mass: MASS,
            measured: true,
            effects: true,
            lens: super::lens::LensBy::default(),
            ground: super::hangs::Ground::default(),
        }
    }
}

/// The selection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// As the model counts them; `None` until a person or a capture has chosen.
    pub layer: Option<u32>,
    /// In order, at least one where there is a layer.
    pub heads: Vec<u32>,
    /// The token that reads.
    pub query: Option<usize>,
    /// The token that is read.
    pub key: Option<usize>,
}

impl Look {
    /// Holds on to what there is of a capture: its layer that is looked at, `None` while it has none.
    pub fn settle<'a>(&mut self, capture: &'a Capture) -> Option<&'a Arc<LayerCapture>> {
        let n = capture.n_tokens();
        self.query = self.query.filter(|query| *query < n);
        self.key = self.key.filter(|key| *key < n);
        let first = capture.layers.first()?;
        let layer = self.layer.and_then(|layer| capture.layer(layer)).unwrap_or(first);
        let n_heads = layer.shape.n_heads;
        self.heads.retain(|head| *head < n_heads);
        if self.heads.is_empty() {
            self.heads.push(0);
        }
        Some(layer)
    }

    pub fn select(&mut self, layer: u32, head: u32) {
        (self.layer, self.heads) = (Some(layer), vec![head]);
    }

    /// One head more, or one less; of another layer, that one alone.
    pub fn toggle(&mut self, layer: u32, head: u32) {
        if self.layer != Some(layer) {
            return self.select(layer, head);
        }
        match self.heads.binary_search(&head) {
            Ok(at) if self.heads.len() > 1 => {
                self.heads.remove(at);
            }
            Ok(_) => {}
            Err(at) => self.heads.insert(at, head),
        }
    }

    /// All heads between the first that is selected and this one.
    pub fn stretch(&mut self, layer: u32, head: u32) {
        match self.heads.first() {
            Some(first) if self.layer == Some(layer) => {
                self.heads = ((*first).min(head)..=(*first).max(head)).collect();
            }
            _ => self.select(layer, head),
        }
    }

    /// The layer before or after, of those that were captured.
    pub fn step_layer(&mut self, capture: &Capture, by: isize) {
        let now = self.layer.or(capture.layers.first().map(|layer| layer.layer));
        let at = capture.layers.iter().position(|layer| Some(layer.layer) == now);
        if let (Some(at), Some(last)) = (at, capture.layers.len().checked_sub(1)) {
            self.layer = Some(capture.layers[at.saturating_add_signed(by).min(last)].layer);
        }
    }

    /// Forgets tokens, then all heads but one. Says whether there was something to forget.
    pub fn clear(&mut self) -> bool {
        if self.query.is_some() || self.key.is_some() {
            (self.query, self.key) = (None, None);
            return true;
        }
        let several = self.heads.len() > 1;
        self.heads.truncate(1);
        several
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_one_layer_are_put_together() {
        let mut look = Look::default();
        look.select(3, 2);
        look.toggle(3, 0);
        assert_eq!(look.heads, [0, 2]);
        look.toggle(3, 2);
        look.toggle(3, 0);
        assert_eq!(look.heads, [0], "one at least");
        look.stretch(3, 3);
        assert_eq!(look.heads, [0, 1, 2, 3]);
        look.toggle(4, 1);
        assert_eq!((look.layer, look.heads.as_slice()), (Some(4), [1].as_slice()));
    }

    #[test]
    fn escape_forgets_tokens_then_heads() {
        let mut look = Look { layer: Some(0), heads: vec![1, 2], query: Some(4), key: None };
        assert!(look.clear() && look.query.is_none() && look.heads.len() == 2);
        assert!(look.clear() && look.heads == [1]);
        assert!(!look.clear());
    }
}
