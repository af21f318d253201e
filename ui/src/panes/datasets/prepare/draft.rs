//! What a person has entered in the Prepare tab: one specification a step, what is wrong with it, and its line while it
//! is folded.

use crate::model::Pick;
use crate::panes::PaneCx;
use crate::units;
use glassworks_protocol::datasets::transform::{
    AugmentSpec, AugmentWay, BalanceSpec, BalanceWay, CleanSpec, PrivacyAction, PrivacyKind, PrivacySpec,
    SplitSpec, Transform, WriteSpec,
};
use glassworks_protocol::datasets::{ColumnKind, DatasetRecord, Role};
use glassworks_protocol::generate::{SamplingPreset, SamplingSpec};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Split,
    Clean,
    Privacy,
    Augment,
    Write,
    Balance,
}

impl Step {
    pub const ALL: [Self; 6] =
        [Self::Split, Self::Clean, Self::Privacy, Self::Augment, Self::Write, Self::Balance];

    /// The key of its name; with `_hint` that of what it does.
    pub fn key(self) -> &'static str {
        match self {
            Self::Split => "datasets.prepare_split",
            Self::Clean => "datasets.prepare_clean",
            Self::Privacy => "datasets.prepare_privacy",
            Self::Augment => "datasets.prepare_augment",
            Self::Write => "datasets.prepare_write",
            Self::Balance => "datasets.prepare_balance",
        }
    }
}

/// Rows written by a model, as far as they are entered.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteDraft {
    /// `None`: the model used last.
    pub model: Option<Pick>,
    pub template: String,
    pub column: Option<String>,
    /// `None`: as in the playground.
    pub preset: Option<SamplingPreset>,
    pub seed: Option<u64>,
    pub max_tokens: u32,
    pub copies: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub split: SplitSpec,
    pub clean: CleanSpec,
    pub privacy: PrivacySpec,
    pub augment: AugmentSpec,
    pub write: WriteDraft,
    pub balance: BalanceSpec,
}

/// What keeps a step from being carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    NothingToTrain,
    NothingChosen,
    Bounds,
    NoKinds,
    NoModel,
    NoTemplate,
    NoColumn,
    NoLabels,
}

impl Wrong {
    pub fn key(self) -> &'static str {
        match self {
            Self::NothingToTrain => "datasets.prepare_nothing_to_train",
            Self::NothingChosen => "datasets.prepare_nothing_chosen",
            Self::Bounds => "datasets.prepare_bad_bounds",
            Self::NoKinds => "datasets.prepare_no_kinds",
            Self::NoModel => "datasets.prepare_no_model",
            Self::NoTemplate => "datasets.prepare_no_template",
            Self::NoColumn => "datasets.prepare_no_column",
            Self::NoLabels => "datasets.prepare_no_labels",
        }
    }
}

impl Draft {
    /// What one would begin with.
    pub fn of(record: &DatasetRecord) -> Self {
        let texts = texts(record);
        let target = [Role::Completion, Role::Target, Role::Chosen, Role::Text];
        let column = target.into_iter().find_map(|role| record.mapping.column(role).map(str::to_owned));
        let column = column.filter(|name| texts.contains(name)).or_else(|| texts.first().cloned());
        let template = texts.first().map(|name| format!("{{{name}}}")).unwrap_or_default();
        Self {
            split: SplitSpec { stratify: has_labels(record), ..SplitSpec::default() },
            clean: CleanSpec {
                trim: true,
                nfc: true,
                strip_control: true,
                drop_empty: true,
                drop_duplicates: true,
                ..CleanSpec::default()
            },
            privacy: PrivacySpec { kinds: PrivacyKind::ALL.to_vec(), action: PrivacyAction::Mask },
            augment: AugmentSpec { way: AugmentWay::Synonyms(0.1), copies: 1, seed: 0 },
            write: WriteDraft {
                model: None,
                template,
                column,
                preset: Some(SamplingPreset::Balanced),
                seed: Some(0),
                max_tokens: 128,
                copies: 1,
            },
            balance: BalanceSpec { way: BalanceWay::Over, seed: 0 },
        }
    }

    /// What stands in the way, if anything does.
    pub fn wrong(&self, cx: &PaneCx, step: Step, record: &DatasetRecord) -> Option<Wrong> {
        match step {
            Step::Split => (self.split.validation + self.split.test > 0.999).then_some(Wrong::NothingToTrain),
            Step::Clean => match (self.clean.at_least, self.clean.at_most) {
                (Some(least), Some(most)) if least > most => Some(Wrong::Bounds),
                _ if self.clean == CleanSpec::default() => Some(Wrong::NothingChosen),
                _ => None,
            },
            Step::Privacy => self.privacy.kinds.is_empty().then_some(Wrong::NoKinds),
            Step::Augment => None,
            Step::Write if cx.model.writer(self.write.model).is_none() => Some(Wrong::NoModel),
            Step::Write if self.write.template.trim().is_empty() => Some(Wrong::NoTemplate),
            Step::Write => self.write.column.is_none().then_some(Wrong::NoColumn),
            Step::Balance => (!has_labels(record)).then_some(Wrong::NoLabels),
        }
    }

    /// As the engine is told; `None` while the model is not there.
    pub fn transform(&self, cx: &PaneCx, step: Step) -> Option<Transform> {
        Some(match step {
            Step::Split => Transform::Split(self.split.clone()),
            Step::Clean => Transform::Clean(self.clean.clone()),
            Step::Privacy => Transform::Privacy(self.privacy.clone()),
            Step::Augment => Transform::Augment(self.augment.clone()),
            Step::Write => Transform::Write(Box::new(self.write.spec(cx)?)),
            Step::Balance => Transform::Balance(self.balance),
        })
    }

    /// The values of a step in one line.
    pub fn line(&self, cx: &PaneCx, step: Step, record: &DatasetRecord) -> String {
        let parts = match step {
            Step::Split => self.split_parts(cx, record),
            Step::Clean => self.clean_parts(cx),
            Step::Privacy => {
                let n = self.privacy.kinds.len();
                let kinds = match n {
                    n if n == PrivacyKind::ALL.len() => cx.t("datasets.prepare_all_kinds"),
                    n => cx.tf("datasets.prepare_n_kinds", &[("n", &n)]),
                };
                vec![kinds, cx.t(action_key(self.privacy.action))]
            }
            Step::Augment => {
                let strength = super::augment::strength(self.augment.way);
                let mut parts = vec![cx.t(super::augment::key(self.augment.way))];
                parts.extend(strength.map(percent));
                parts.push(cx.tf("datasets.prepare_n_copies", &[("n", &self.augment.copies)]));
                parts
            }
            Step::Write => {
                let model = cx.model.writer(self.write.model);
                let model =
                    model.map_or_else(|| cx.t("datasets.prepare_no_model"), |one| one.name().to_owned());
                let mut parts = vec![model];
                parts.extend(self.write.column.clone());
                parts
            }
            Step::Balance if !has_labels(record) => vec![cx.t("datasets.prepare_no_labels")],
            Step::Balance => vec![cx.t(way_key(self.balance.way))],
        };
        parts.join(&cx.t("finetune.comma"))
    }

    fn split_parts(&self, cx: &PaneCx, record: &DatasetRecord) -> Vec<String> {
        let split = &self.split;
        let train = 1.0 - split.validation - split.test;
        let shares =
            [train, split.validation, split.test].map(|x| format!("{}", round(100.0 * x))).join(" / ");
        let mut parts = vec![format!("{shares} %")];
        if split.stratify && has_labels(record) {
            parts.push(cx.t("datasets.prepare_stratified"));
        }
        if let Some(column) = &split.group_by {
            parts.push(cx.tf("datasets.prepare_grouped", &[("column", column)]));
        }
        if split.near.is_some() {
            parts.push(cx.t("datasets.prepare_near_together"));
        }
        if split.keep {
            parts.push(cx.t("datasets.prepare_keeps"));
        }
        parts
    }

    fn clean_parts(&self, cx: &PaneCx) -> Vec<String> {
        let clean = &self.clean;
        let flags = [
            (clean.strip_control, "datasets.prepare_strip_control"),
            (clean.nfc, "datasets.prepare_nfc"),
            (clean.collapse_spaces, "datasets.prepare_collapse"),
            (clean.trim, "datasets.prepare_trim"),
            (clean.drop_empty, "datasets.prepare_drop_empty"),
            (clean.drop_without_target, "datasets.prepare_drop_no_target"),
            (clean.drop_duplicates, "datasets.prepare_drop_duplicates"),
            (clean.drop_near_duplicates.is_some(), "datasets.prepare_drop_near"),
        ];
        let mut parts: Vec<String> = flags.iter().filter(|(on, _)| *on).map(|(_, key)| cx.t(key)).collect();
        if clean.at_least.is_some() || clean.at_most.is_some() {
            let end = |x: Option<u32>| x.map_or_else(|| "…".to_owned(), |x| units::grouped(x.into()));
            let range = format!("{} – {}", end(clean.at_least), end(clean.at_most));
            parts.push(cx.tf("datasets.prepare_characters", &[("range", &range)]));
        }
        if clean.drop_matching.is_some() {
            parts.push(cx.t("datasets.prepare_drop_matching"));
        }
        if clean.keep_matching.is_some() {
            parts.push(cx.t("datasets.prepare_keep_matching"));
        }
        if parts.is_empty() {
            parts.push(cx.t("datasets.prepare_nothing_chosen"));
        }
        parts
    }
}

impl WriteDraft {
    pub fn sampling(&self, cx: &PaneCx) -> SamplingSpec {
        let base = self.preset.map_or_else(|| cx.settings().sampling.clone(), SamplingPreset::spec);
        SamplingSpec { seed: self.seed, max_new_tokens: self.max_tokens, ..base }
    }

    fn spec(&self, cx: &PaneCx) -> Option<WriteSpec> {
        let writer = cx.model.writer(self.model)?.pick();
        let (model, tuned) = cx.model.source_of(writer)?;
        let column = self.column.clone()?;
        let (template, sampling) = (self.template.clone(), self.sampling(cx));
        Some(WriteSpec {
            model,
            tuned,
            template,
            column,
            sampling,
            max_tokens: self.max_tokens,
            copies: self.copies,
        })
    }
}

pub fn action_key(action: PrivacyAction) -> &'static str {
    match action {
        PrivacyAction::Mask => "datasets.prepare_mask",
        PrivacyAction::Pseudonymise => "datasets.prepare_pseudonymise",
        PrivacyAction::Drop => "datasets.prepare_drop_rows",
    }
}

pub fn way_key(way: BalanceWay) -> &'static str {
    match way {
        BalanceWay::Over => "datasets.prepare_over",
        BalanceWay::Under => "datasets.prepare_under",
    }
}

/// Whether rows have a label that parts can be balanced by.
pub fn has_labels(record: &DatasetRecord) -> bool {
    record.mapping.column(Role::Label).is_some()
}

/// Names of the columns that hold plain texts.
pub fn texts(record: &DatasetRecord) -> Vec<String> {
    let of_text = record.columns.iter().filter(|column| column.kind == ColumnKind::Text);
    of_text.map(|column| column.name.clone()).collect()
}

/// `10 %`
pub fn percent(share: f64) -> String {
    format!("{} %", round(100.0 * share))
}

/// To a tenth, without a tail of zeros.
fn round(x: f64) -> f64 {
    (10.0 * x).round() / 10.0
}
