//! The form of privacy: what is looked for, and what becomes of it.

use super::draft::{Wrong, action_key};
use super::parts;
use crate::panes::PaneCx;
use crate::units;
use crate::widgets::{self, Tone, segments};
use egui::Ui;
use glassworks_protocol::datasets::transform::{PrivacyAction, PrivacyKind, PrivacySpec};

const ACTIONS: [PrivacyAction; 3] = [PrivacyAction::Mask, PrivacyAction::Pseudonymise, PrivacyAction::Drop];

/// `found` is how many of each kind the newest look found.
pub fn form(
    ui: &mut Ui,
    cx: &PaneCx,
    spec: &mut PrivacySpec,
    wrong: Option<Wrong>,
    found: &[(PrivacyKind, u64)],
) {
    let (name, hint) = (cx.t("datasets.prepare_action"), cx.t(&format!("{}_hint", action_key(spec.action))));
    parts::row_with(ui, &name, &hint, None, |ui| {
        let options = ACTIONS.map(|action| (action, cx.t(action_key(action))));
        segments(ui, &name, &mut spec.action, &options, None);
    });
    ui.add_space(4.0);
    widgets::semibold(ui, cx.t("datasets.prepare_kinds"));
    if let Some(wrong) = wrong.filter(|wrong| *wrong == Wrong::NoKinds) {
        parts::problem(ui, &cx.t(wrong.key()));
    }
    for kind in PrivacyKind::ALL {
        let was = spec.kinds.contains(&kind);
        let mut on = was;
        parts::switch_and(ui, cx, key(kind), &mut on, |ui| {
            if let Some((_, n)) = found.iter().find(|(one, n)| *one == kind && *n > 0) {
                let words = cx.tf("datasets.prepare_found", &[("n", &units::grouped(*n))]);
                widgets::tag(ui, Tone::Warn, words);
            }
        });
        if on != was {
            // In their own order, whichever was pressed first.
            let wanted = |one: &PrivacyKind| if *one == kind { on } else { spec.kinds.contains(one) };
            spec.kinds = PrivacyKind::ALL.into_iter().filter(wanted).collect();
        }
    }
    parts::note(ui, &cx.t("datasets.prepare_privacy_note"));
}

/// The key of its name; with `_hint` that of an example.
pub fn key(kind: PrivacyKind) -> &'static str {
    match kind {
        PrivacyKind::Email => "datasets.privacy_email",
        PrivacyKind::Phone => "datasets.privacy_phone",
        PrivacyKind::Card => "datasets.privacy_card",
        PrivacyKind::Iban => "datasets.privacy_iban",
        PrivacyKind::ChineseId => "datasets.privacy_chinese_id",
        PrivacyKind::UsSsn => "datasets.privacy_us_ssn",
        PrivacyKind::IpAddress => "datasets.privacy_ip",
        PrivacyKind::ApiKey => "datasets.privacy_api_key",
    }
}
