//! All heads as small pictures, in one texture: pooled to the size of a tile by the largest value, coloured by the ember
//! map. Where they lie on the screen is the atlas's.

use crate::theme::Tokens;
use egui::{Color32, ColorImage, TextureHandle, TextureOptions, Ui};
use glassworks_protocol::ids::CaptureId;
use glassworks_protocol::inside::{Capture, Thumbnails, decoded};
use std::collections::HashMap;

/// How much of its colour a tile keeps that is not among those looked for.
pub const DIM: f32 = 0.22;

/// A tile, by layer and head; whether it is dimmed.
pub type Tile = ((u32, u32), bool);

/// What a texture was made of.
#[derive(Clone, Debug, PartialEq)]
struct Made {
    capture: CaptureId,
    n_layers: usize,
    tiles: Vec<Tile>,
    columns: usize,
    side: usize,
    gamma: f32,
    pane: Color32,
}

/// What is to be drawn.
pub struct Sheet {
    pub tiles: Vec<Tile>,
    /// Tiles in a row.
    pub columns: usize,
    /// Pixels of a tile.
    pub side: usize,
    pub gamma: f32,
}

#[derive(Default)]
pub struct TilesPicture {
    texture: Option<TextureHandle>,
    made: Option<Made>,
    /// Of a capture and a size: codes by layer, `[H, side, side]`.
    pooled: HashMap<u32, Vec<u8>>,
}

impl TilesPicture {
    /// Its texture.
    pub fn texture(
        &mut self,
        ui: &Ui,
        capture: &Capture,
        sheet: Sheet,
        t: &Tokens,
    ) -> Option<egui::TextureId> {
        let Sheet { tiles, columns, side, gamma } = sheet;
        let n_layers = capture.layers.len();
        let made = Made { capture: capture.id, n_layers, tiles, columns, side, gamma, pane: t.pane };
        if self.made.as_ref() != Some(&made) {
            if self.made.as_ref().is_none_or(|old| old.capture != made.capture || old.side != side) {
                self.pooled.clear();
            }
            for layer in &capture.layers {
                let pool = || pooled(&layer.thumbnails, layer.shape.n_heads as usize, side);
                self.pooled.entry(layer.layer).or_insert_with(pool);
            }
            let image = self.coloured(&made, t);
            match &mut self.texture {
                Some(texture) => texture.set(image, TextureOptions::NEAREST),
                None => {
                    self.texture =
                        Some(ui.ctx().load_texture("attention atlas", image, TextureOptions::NEAREST));
                }
            }
            self.made = Some(made);
        }
        self.texture.as_ref().map(TextureHandle::id)
    }

    fn coloured(&self, made: &Made, t: &Tokens) -> ColorImage {
        let Made { columns, side, .. } = *made;
        let rows = made.tiles.len().div_ceil(columns.max(1));
        let size = [(columns * side).max(1), (rows * side).max(1)];
        let bright: Vec<Color32> =
            (0..=u8::MAX).map(|code| Tokens::map(&t.ember, decoded(code).powf(made.gamma))).collect();
        let dim: Vec<Color32> = bright.iter().map(|color| t.pane.lerp_to_gamma(*color, DIM)).collect();
        let mut image = ColorImage::filled(size, t.pane);
        for (at, ((layer, head), dimmed)) in made.tiles.iter().enumerate() {
            let codes = self.pooled.get(layer).map(Vec::as_slice).unwrap_or_default();
            let head = *head as usize * side * side;
            let Some(codes) = codes.get(head..head + side * side) else { continue };
            let table = if *dimmed { &dim } else { &bright };
            let left = at % columns * side;
            for y in 0..side {
                let from = (at / columns * side + y) * size[0] + left;
                let line = &mut image.pixels[from..from + side];
                // A pixel between tiles stays the pane's.
                for (pixel, code) in line.iter_mut().zip(&codes[y * side..(y + 1) * side]).take(side - 1) {
                    *pixel = if y + 1 == side { t.pane } else { table[usize::from(*code)] };
                }
            }
        }
        image
    }
}

/// `[H, side, side]`
fn pooled(small: &Thumbnails, n_heads: usize, side: usize) -> Vec<u8> {
    let n = small.side as usize;
    let mut all = vec![0; n_heads * side * side];
    // The last pixel of a tile is the gap to its neighbour.
    let inner = side.saturating_sub(1).max(1);
    for head in 0..n_heads {
        let codes = small.of(head);
        if codes.is_empty() {
            continue;
        }
        let out = &mut all[head * side * side..(head + 1) * side * side];
        let range = |at: usize| at * n / inner..((at + 1) * n).div_ceil(inner).min(n);
        for y in 0..inner {
            for x in 0..inner {
                let rows = range(y).flat_map(|row| &codes[row * n..][range(x)]);
                out[y * side + x] = rows.copied().max().unwrap_or(0);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_survives_in_the_smallest_tile() {
        let mut max = vec![0; 2 * 64 * 64];
        max[64 * 64 + 63 * 64 + 17] = 255;
        let small = Thumbnails { side: 64, max, mean: Vec::new() };
        let tile = pooled(&small, 2, 13);
        assert!(tile[..13 * 13].iter().all(|code| *code == 0));
        assert_eq!(tile[13 * 13..].iter().filter(|code| **code == 255).count(), 1);
        assert_eq!(tile[13 * 13 + 11 * 13 + 3], 255, "in its place");
    }
}
