//! What a filter says, as a small form: opened for a new one from the menu, for one that stands from its chip.

use super::DatasetsPane;
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::units;
use crate::widgets::{self, Button, Field, MenuItem, NumberField, Select};
use egui::{Id, Key, Rect, Ui};
use glassworks_protocol::datasets::view::LengthUnit;
use glassworks_protocol::datasets::{DatasetRecord, Filter, Split};

/// What a form asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    #[default]
    Contains,
    Regex,
    Characters,
    Tokens,
    Labels,
    Splits,
}

impl Kind {
    pub const FORMS: &'static [(Self, &'static str)] = &[
        (Self::Contains, icons::MAGNIFYING_GLASS),
        (Self::Regex, icons::CODE),
        (Self::Characters, icons::TEXT_T),
        (Self::Tokens, icons::HASH),
        (Self::Labels, icons::TAG),
        (Self::Splits, icons::SQUARES_FOUR),
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Contains => "datasets.by_contains",
            Self::Regex => "datasets.by_regex",
            Self::Characters => "datasets.by_characters",
            Self::Tokens => "datasets.by_tokens",
            Self::Labels => "datasets.by_labels",
            Self::Splits => "datasets.by_splits",
        }
    }

    /// The form of a filter; `None` where there is nothing to say but no.
    pub fn of(filter: &Filter) -> Option<Self> {
        Some(match filter {
            Filter::Contains { .. } => Self::Contains,
            Filter::Regex { .. } => Self::Regex,
            Filter::Length { unit: LengthUnit::Characters, .. } => Self::Characters,
            Filter::Length { unit: LengthUnit::Tokens, .. } => Self::Tokens,
            Filter::Labels(_) => Self::Labels,
            Filter::Splits(_) => Self::Splits,
            Filter::Not(inner) => return Self::of(inner),
            _ => return None,
        })
    }
}

/// A filter while it is written.
#[derive(Default)]
pub struct FilterForm {
    shown: bool,
    /// It has been opened by the press that is being handled.
    fresh: bool,
    want_focus: bool,
    place: Option<Rect>,
    /// The one that is changed.
    at: Option<usize>,
    kind: Kind,
    not: bool,
    text: String,
    column: Option<String>,
    case_sensitive: bool,
    at_least: Option<f64>,
    at_most: Option<f64>,
    labels: Vec<Option<String>>,
    splits: Vec<Option<Split>>,
}

impl FilterForm {
    pub fn open(&mut self, kind: Kind, changed: Option<(usize, &Filter)>, place: Rect) {
        *self = Self {
            shown: true,
            fresh: true,
            want_focus: true,
            place: Some(place),
            at: changed.map(|(at, _)| at),
            kind,
            ..Self::default()
        };
        if let Some((_, filter)) = changed {
            self.read(filter);
        }
    }

    fn read(&mut self, filter: &Filter) {
        match filter.clone() {
            Filter::Contains { text, column, case_sensitive } => {
                (self.text, self.column, self.case_sensitive) = (text, column, case_sensitive);
            }
            Filter::Regex { pattern, column } => (self.text, self.column) = (pattern, column),
            Filter::Length { at_least, at_most, .. } => {
                (self.at_least, self.at_most) = (at_least.map(f64::from), at_most.map(f64::from));
            }
            Filter::Labels(labels) => self.labels = labels,
            Filter::Splits(splits) => self.splits = splits,
            Filter::Not(inner) => {
                self.not = true;
                self.read(&inner);
            }
            _ => {}
        }
    }

    /// The filter as it is written; `None` while it says nothing.
    fn filter(&self) -> Option<Filter> {
        let bound = |bound: Option<f64>| bound.map(|n| n as u32);
        let (at_least, at_most) = (bound(self.at_least), bound(self.at_most));
        let length = |unit| Filter::Length { unit, at_least, at_most };
        let filter = match self.kind {
            Kind::Contains if self.text.is_empty() => return None,
            Kind::Contains => Filter::Contains {
                text: self.text.clone(),
                column: self.column.clone(),
                case_sensitive: self.case_sensitive,
            },
            Kind::Regex if self.text.is_empty() => return None,
            Kind::Regex => Filter::Regex { pattern: self.text.clone(), column: self.column.clone() },
            Kind::Characters | Kind::Tokens if at_least.is_none() && at_most.is_none() => return None,
            Kind::Characters => length(LengthUnit::Characters),
            Kind::Tokens => length(LengthUnit::Tokens),
            Kind::Labels if self.labels.is_empty() => return None,
            Kind::Labels => Filter::Labels(self.labels.clone()),
            Kind::Splits if self.splits.is_empty() => return None,
            Kind::Splits => Filter::Splits(self.splits.clone()),
        };
        Some(if self.not { Filter::Not(Box::new(filter)) } else { filter })
    }
}

impl DatasetsPane {
    pub(super) fn filter_form_ui(&mut self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord) {
        let form = &mut self.filters.form;
        let Some(place) = form.place.filter(|_| form.shown) else { return };
        let (mut shown, fresh) = (true, std::mem::take(&mut form.fresh));
        let name = cx.t(form.kind.key());
        let mut done = false;
        ui.push_id("filter form", |ui| {
            widgets::popover_at(ui, &name, place, 300.0, &mut shown, fresh, |ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                widgets::semibold(ui, &name);
                match form.kind {
                    Kind::Contains | Kind::Regex => form.words_ui(ui, cx, record, &mut done),
                    Kind::Characters | Kind::Tokens => form.bounds_ui(ui, cx, &mut done),
                    Kind::Labels => form.labels_ui(ui, cx, record),
                    Kind::Splits => form.splits_ui(ui, cx, record),
                }
                ui.horizontal(|ui| {
                    let words = cx.t("datasets.filter_not");
                    widgets::toggle(ui, &words, &mut form.not);
                    widgets::label(ui, &words);
                });
                ui.horizontal(|ui| {
                    let off = form.filter().is_none().then(|| cx.t("datasets.filter_says_nothing"));
                    let off_now = off.is_some();
                    done |= Button::control(cx.t("datasets.filter_apply")).off(off).show(ui).clicked();
                    done &= !off_now;
                    if Button::quiet(cx.t("shell.cancel")).show(ui).clicked() {
                        form.shown = false;
                    }
                });
            });
        });
        let form = &mut self.filters.form;
        form.shown &= shown;
        if done && let Some(filter) = form.filter() {
            form.shown = false;
            let at = form.at.filter(|at| *at < self.view.filters.len());
            match at {
                Some(at) => self.view.filters[at] = filter,
                None => self.view.filters.push(filter),
            }
            self.grid.want_focus = true;
        }
    }
}

impl FilterForm {
    fn words_ui(&mut self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord, done: &mut bool) {
        let name = cx.t(if self.kind == Kind::Regex { "datasets.pattern" } else { "datasets.text" });
        let id = Id::unique(("filter text", cx.slot));
        let field = Field::new(&name).id(id).width(ui.available_width()).placeholder(&name);
        let field = if self.kind == Kind::Regex { field.mono() } else { field };
        let response = field.show(ui, &mut self.text);
        if std::mem::take(&mut self.want_focus) {
            response.request_focus();
        }
        *done |= response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let mut columns = vec![(None, cx.t("datasets.any_column"))];
        columns.extend(record.columns.iter().map(|one| (Some(one.name.clone()), one.name.clone())));
        let width = ui.available_width();
        Select::new(&cx.t("datasets.in_which_column")).width(width).show(ui, &mut self.column, &columns);
        if self.kind == Kind::Contains {
            ui.horizontal(|ui| {
                let words = cx.t("datasets.case_sensitive");
                widgets::toggle(ui, &words, &mut self.case_sensitive);
                widgets::label(ui, &words);
            });
        }
    }

    fn bounds_ui(&mut self, ui: &mut Ui, cx: &PaneCx, done: &mut bool) {
        let most = f64::from(u32::MAX);
        for (key, value) in
            [("datasets.at_least", &mut self.at_least), ("datasets.at_most", &mut self.at_most)]
        {
            ui.horizontal(|ui| {
                let words = cx.t(key);
                ui.allocate_ui(egui::vec2(110.0, 28.0), |ui| widgets::label(ui, &words));
                let field = NumberField::new(&words, 0.0..=most).or_off("…").width(120.0);
                let response = field.show_opt(ui, value);
                if std::mem::take(&mut self.want_focus) {
                    response.request_focus();
                }
                *done |= response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            });
        }
    }

    fn labels_ui(&mut self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord) {
        let known = cx.model.datasets.labels(record.id).unwrap_or_default();
        egui::ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (label, n) in known {
                let item = MenuItem::new(label.as_str()).hint(units::grouped(*n));
                toggle_item(ui, item, &mut self.labels, Some(label.clone()));
            }
            toggle_item(ui, MenuItem::new(cx.t("datasets.no_label")), &mut self.labels, None);
        });
    }

    fn splits_ui(&mut self, ui: &mut Ui, cx: &PaneCx, record: &DatasetRecord) {
        ui.spacing_mut().item_spacing.y = 0.0;
        let all = [Some(Split::Train), Some(Split::Validation), Some(Split::Test), None];
        for (split, n) in all.into_iter().zip(record.n_by_split) {
            let item = MenuItem::new(super::cells::split_word(cx, split)).hint(units::grouped(n));
            toggle_item(ui, item, &mut self.splits, split);
        }
        ui.spacing_mut().item_spacing.y = 8.0;
        if record.n_by_split[3] == record.n_rows {
            ui.label(Type::Hint.text(cx.t("datasets.not_split_yet"), cx.theme.tokens.text_3));
        }
    }
}

/// One of several that may be chosen together.
fn toggle_item<T: PartialEq>(ui: &mut Ui, item: MenuItem, chosen: &mut Vec<T>, one: T) {
    let at = chosen.iter().position(|other| *other == one);
    if item.checked(at.is_some()).show(ui).clicked() {
        match at {
            Some(at) => drop(chosen.remove(at)),
            None => chosen.push(one),
        }
    }
}
