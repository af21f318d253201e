//! "Open recipe…": a TOML file becomes the form; what of it could not be read is told field by field.

use super::Finetune;
use crate::action::{Action, RecipeFile, Toast};
use crate::host::{FileKind, FileRequest, PickId};
use crate::panes::PaneCx;
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field};
use egui::Context;
use glassworks_protocol::generate::ModelSource;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::{FieldProblem, TrainSpec};
use std::path::{Path, PathBuf};

#[derive(Default)]
pub struct OpenRecipe {
    open: bool,
    typed: String,
    pick: Option<PickId>,
    /// What the last file had that could not be read.
    problems: Vec<FieldProblem>,
}

impl OpenRecipe {
    pub fn show(&mut self) {
        self.open = true;
        self.problems.clear();
    }
}

impl Finetune {
    pub(super) fn open_recipe_dialog(&mut self, ctx: &Context, cx: &mut PaneCx) {
        if let Some(path) = cx.picked(&mut self.opener.pick) {
            cx.push(Action::ReadRecipe(path));
        }
        if !self.opener.open {
            return;
        }
        let theme = std::sync::Arc::clone(&cx.theme);
        let t = theme.tokens;
        let title = cx.t("finetune.open_recipe_title");
        let (mut chosen, mut done) = (None, false);
        let close = widgets::dialog(ctx, &theme, "open recipe", &title, 520.0, |ui| {
            ui.label(Type::Body.text(cx.t("finetune.open_recipe_sentence"), t.text_2));
            let button = Button::control(cx.t("finetune.choose_recipe")).icon(icons::FOLDER_OPEN);
            if button.show(ui).clicked() {
                self.opener.pick = Some(cx.pick(FileRequest {
                    kind: FileKind::Open,
                    title: title.clone(),
                    suggested: String::new(),
                    filter: Some(("TOML".to_owned(), vec!["toml".to_owned()])),
                }));
            }
            let name = cx.t("finetune.typed_recipe");
            let field = Field::new(&name).mono().placeholder(&name).width(ui.available_width());
            let response = field.show(ui, &mut self.opener.typed);
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            for problem in &self.opener.problems {
                ui.horizontal_wrapped(|ui| {
                    widgets::mono(ui, problem.field.clone());
                    ui.label(Type::Hint.text(cx.render(&problem.text), t.warn));
                });
            }
            let typed = cx.typed_path(&self.opener.typed);
            ui.horizontal(|ui| {
                let none = typed.is_none().then(|| cx.t("finetune.no_recipe_path"));
                let read = Button::accent(cx.t("finetune.read_recipe")).off(none).show(ui).clicked();
                chosen = typed.clone().filter(|_| read || entered);
                done = Button::quiet(cx.t("finetune.done")).show(ui).clicked();
            });
        });
        if let Some(path) = chosen {
            cx.push(Action::ReadRecipe(path));
        }
        if close || done {
            self.opener.open = false;
        }
    }

    /// Takes a recipe into the form: what of it makes sense.
    pub(super) fn take_recipe(&mut self, cx: &mut PaneCx, file: &RecipeFile) {
        let mut fields = file.fields.clone();
        let word = fields.remove("model").and_then(|model| model.as_str().map(str::to_owned));
        let input = serde_json::Value::Object(fields);
        let mut problems = TrainSpec::from_new(&input).err().unwrap_or_default();
        let mut spec = TrainSpec::from_stored(&input);
        let folder = file.path.parent().unwrap_or(Path::new(""));
        match word.as_deref().and_then(|word| self.model_of(cx, folder, word)) {
            Some(model) => spec.model = model,
            None => {
                let text = Text::new("finetune.recipe_no_model").arg("name", word.unwrap_or_default());
                problems.insert(0, FieldProblem { field: "model".to_owned(), text });
                spec.model = self.draft.spec.model.clone();
            }
        }
        for data in spec.data.files.iter_mut().chain(&mut spec.data.validation_files) {
            *data = folder.join(&*data);
        }
        self.draft.spec = spec;
        self.draft.goal_chosen = true;
        self.opener.open = !problems.is_empty();
        if problems.is_empty() {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            let text = Text::new("finetune.recipe_read").arg("name", name);
            cx.toast(Toast::new(text).icon(icons::CHECK));
        }
        self.opener.problems = problems;
    }

    /// The library's model that a recipe names: by its name, its path, or as the starter.
    fn model_of(&self, cx: &PaneCx, folder: &Path, word: &str) -> Option<ModelSource> {
        let library = &cx.model.library;
        let path: PathBuf = folder.join(word);
        let named = library
            .models()
            .iter()
            .find(|model| model.name == word || model.path == path || (word == "starter" && model.starter));
        named.map(|model| ModelSource::Library(model.id))
    }
}
