//! The form of augmenting: in which way rows are varied, how strongly, how often.

use super::parts;
use crate::panes::PaneCx;
use crate::widgets::Select;
use egui::Ui;
use glassworks_protocol::datasets::transform::{AugmentSpec, AugmentWay};
use std::mem::discriminant;

/// Each way with the strength one would begin with.
const WAYS: [AugmentWay; 7] = [
    AugmentWay::Synonyms(0.1),
    AugmentWay::TokenDropout(0.1),
    AugmentWay::TokenSwap(0.1),
    AugmentWay::CharacterNoise(0.05),
    AugmentWay::Casing,
    AugmentWay::Punctuation(0.3),
    AugmentWay::Counterfactual,
];

pub fn form(ui: &mut Ui, cx: &PaneCx, spec: &mut AugmentSpec) {
    let (name, hint) = (cx.t("datasets.augment_way"), cx.t(&format!("{}_hint", key(spec.way))));
    parts::row_with(ui, &name, &hint, None, |ui| {
        let mut place = WAYS.iter().position(|way| discriminant(way) == discriminant(&spec.way)).unwrap_or(0);
        let options: Vec<(usize, String)> =
            WAYS.iter().enumerate().map(|(i, way)| (i, cx.t(key(*way)))).collect();
        if Select::new(&name).width(200.0).show(ui, &mut place, &options).changed() {
            spec.way = WAYS[place];
        }
    });
    if let Some(mut share) = strength(spec.way) {
        parts::row(ui, cx, "datasets.augment_strength", None, |ui, name| {
            if parts::share(ui, name, &mut share, 0.0..=0.9) {
                spec.way = with_strength(spec.way, share);
            }
        });
    }
    parts::copies(ui, cx, &mut spec.copies);
    parts::seed(ui, cx, &mut spec.seed);
    parts::note(ui, &cx.t("datasets.augment_note"));
}

/// The key of a way's name; with `_hint` that of what it does.
pub fn key(way: AugmentWay) -> &'static str {
    match way {
        AugmentWay::TokenDropout(_) => "datasets.augment_dropout",
        AugmentWay::TokenSwap(_) => "datasets.augment_swap",
        AugmentWay::CharacterNoise(_) => "datasets.augment_noise",
        AugmentWay::Synonyms(_) => "datasets.augment_synonyms",
        AugmentWay::Casing => "datasets.augment_casing",
        AugmentWay::Punctuation(_) => "datasets.augment_punctuation",
        AugmentWay::Counterfactual => "datasets.augment_counterfactual",
    }
}

/// Which part of what could change does.
pub fn strength(way: AugmentWay) -> Option<f64> {
    match way {
        AugmentWay::TokenDropout(x)
        | AugmentWay::TokenSwap(x)
        | AugmentWay::CharacterNoise(x)
        | AugmentWay::Synonyms(x)
        | AugmentWay::Punctuation(x) => Some(x),
        AugmentWay::Casing | AugmentWay::Counterfactual => None,
    }
}

fn with_strength(way: AugmentWay, x: f64) -> AugmentWay {
    match way {
        AugmentWay::TokenDropout(_) => AugmentWay::TokenDropout(x),
        AugmentWay::TokenSwap(_) => AugmentWay::TokenSwap(x),
        AugmentWay::CharacterNoise(_) => AugmentWay::CharacterNoise(x),
        AugmentWay::Synonyms(_) => AugmentWay::Synonyms(x),
        AugmentWay::Punctuation(_) => AugmentWay::Punctuation(x),
        AugmentWay::Casing | AugmentWay::Counterfactual => way,
    }
}
