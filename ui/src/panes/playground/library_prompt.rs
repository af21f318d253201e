//! Prompts of the library in the playground: one is chosen below the composer, its variables are asked for, and it
//! becomes a conversation; what is being written becomes a prompt.

use super::Playground;
use super::doc::View;
use crate::action::{Action, FilledPrompt, Open};
use crate::model::Listed;
use crate::panes::{PaneCx, PaneId};
use crate::theme::{Type, icons};
use crate::widgets::{self, Button, Field, MenuItem, icon_button};
use egui::{Context, Id, Ui};
use glassworks_protocol::chat::{ChatKind, ChatRecord, MessageRecord, MessageStatus, Role};
use glassworks_protocol::ids::{MessageId, PromptId};
use glassworks_protocol::prompts::{
    PromptBody, PromptQuery, PromptRecord, Values, share::shown_folder, template,
};
use glassworks_protocol::{Edit, Query};
use std::sync::Arc;

#[derive(Default)]
pub struct LibraryState {
    search: String,
    /// A prompt whose variables are asked for.
    filling: Option<Filling>,
    /// The list is to be opened.
    pub wanted: bool,
}

struct Filling {
    prompt: PromptId,
    values: Values,
    strict: bool,
}

impl Playground {
    /// Opens a conversation, or a text, that begins as the prompt says.
    pub(super) fn use_prompt(&mut self, filled: &FilledPrompt, cx: &mut PaneCx) {
        let kind = self.natural_kind(cx);
        self.welcomed = true;
        self.new_document(kind, cx);
        let (body, values) = (&filled.body, &filled.values);
        let Some(doc) = &mut self.doc else { return };
        let text = match kind {
            ChatKind::Chat => body.text_with(values),
            ChatKind::Completion => body.as_text(values),
        };
        let shots: Vec<(String, String)> = match kind {
            ChatKind::Chat => body.shots().map(|(asked, said)| (asked, said.to_owned())).collect(),
            ChatKind::Completion => Vec::new(),
        };
        doc.change_fresh(|record| {
            if kind == ChatKind::Chat {
                record.system_prompt = body.system_with(values);
            }
        });
        doc.draft.clone_from(&text);
        let Some(fresh) = doc.fresh.clone().filter(|_| kind == ChatKind::Completion || !shots.is_empty())
        else {
            doc.typed(cx.now_ms);
            return;
        };
        let chat = fresh.id;
        cx.edit(Edit::CreateChat(ChatRecord { draft: text, ..fresh }));
        let mut parent = None;
        for (role, text) in
            shots.into_iter().flat_map(|(asked, said)| [(Role::User, asked), (Role::Assistant, said)])
        {
            let id = MessageId::mint();
            let message = MessageRecord {
                id,
                chat,
                parent,
                role,
                text,
                tail: String::new(),
                status: MessageStatus::Complete,
                created_at_ms: cx.now_ms,
                reply: None,
            };
            cx.edit(Edit::AddMessage(Box::new(message)));
            parent = Some(id);
        }
    }

    /// The library's button below the composer.
    pub(super) fn library_button(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) {
        if *cx.model.prompts.listed() == Listed::NotAsked {
            cx.fetch(Query::Prompt(PromptQuery::All));
        }
        let button = icon_button(ui, icons::BRACKETS_CURLY, cx.t("playground.prompts"));
        if std::mem::take(&mut self.library.wanted) {
            egui::Popup::open_id(ui.ctx(), egui::Popup::default_response_id(&button));
        }
        let done = widgets::popover(&button, 320.0, |ui| self.library_list(ui, cx, view));
        if done == Some(true) {
            egui::Popup::close_all(ui.ctx());
        }
    }

    /// Search, prompts, and the way in; says whether the popover is done with.
    fn library_list(&mut self, ui: &mut Ui, cx: &mut PaneCx, view: &View) -> bool {
        ui.spacing_mut().item_spacing.y = 2.0;
        let name = cx.t("playground.find_prompt");
        let id = Id::unique(("find prompt", cx.slot));
        let field = Field::new(&name).id(id).icon(icons::MAGNIFYING_GLASS).placeholder(&name);
        let response = field.width(ui.available_width()).show(ui, &mut self.library.search);
        if ui.memory(|m| m.focused().is_none()) {
            response.request_focus();
        }
        ui.add_space(4.0);
        let words = self.library.search.trim().to_lowercase();
        let about = |record: &&Arc<PromptRecord>| {
            let all = format!("{} {} {}", record.name, record.folder, record.now().text).to_lowercase();
            words.split_whitespace().all(|word| all.contains(word))
        };
        let mut found: Vec<Arc<PromptRecord>> = cx.model.prompts.kept().filter(about).cloned().collect();
        found.sort_by_key(|record| (record.folder.to_lowercase(), record.name.to_lowercase()));
        let mut chosen = None;
        egui::ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
            for record in &found {
                let item = MenuItem::new(&record.name).hint(shown_folder(&record.folder));
                if item.icon(icons::BRACKETS_CURLY).show(ui).clicked() {
                    chosen = Some(Arc::clone(record));
                }
            }
        });
        if found.is_empty() {
            widgets::hint(ui, cx.t("playground.no_prompt_found"));
        }
        ui.add_space(4.0);
        widgets::divider(ui);
        ui.add_space(4.0);
        let draft = self.doc.as_ref().map(|doc| doc.draft.trim().to_owned()).unwrap_or_default();
        let off = draft.is_empty().then(|| cx.t("playground.nothing_to_save"));
        let mut done = false;
        let save = MenuItem::new(cx.t("playground.save_prompt")).icon(icons::FLOPPY_DISK).off(off);
        if save.show(ui).clicked() {
            let body = PromptBody {
                // What stands here is meant as it stands: its braces are no variables.
                system: template::escape(&view.record.system_prompt),
                text: template::escape(&draft),
                ..PromptBody::default()
            };
            cx.push(Action::Open(Open::SavePrompt(Arc::new(body))));
            done = true;
        }
        if MenuItem::new(cx.t("playground.show_prompts")).icon(icons::ARROW_RIGHT).show(ui).clicked() {
            cx.push(Action::Show(PaneId::Prompts));
            done = true;
        }
        if let Some(record) = chosen {
            self.library.search.clear();
            self.begin_filling(cx, &record);
            done = true;
        }
        done
    }

    fn begin_filling(&mut self, cx: &mut PaneCx, record: &PromptRecord) {
        let body = record.now();
        if body.named().is_empty() {
            let filled =
                FilledPrompt { name: record.name.clone(), body: body.clone(), values: Values::new() };
            return self.use_prompt(&filled, cx);
        }
        self.library.filling = Some(Filling { prompt: record.id, values: Values::new(), strict: false });
    }

    /// The form for a prompt's variables.
    pub(super) fn filling_ui(&mut self, ctx: &Context, cx: &mut PaneCx) {
        let Some(mut filling) = self.library.filling.take() else { return };
        let Some(record) = cx.model.prompts.get(filling.prompt).cloned() else { return };
        let body = record.now();
        let theme = Arc::clone(&cx.theme);
        let (mut go, mut cancel) = (false, false);
        let close = widgets::dialog(ctx, &theme, "fill prompt", &record.name, 480.0, |ui| {
            ui.label(Type::Body.text(cx.t("playground.fill_sentence"), theme.tokens.text_2));
            let height = (ui.ctx().content_rect().height() - 260.0).max(120.0);
            egui::ScrollArea::vertical().max_height(height).show(ui, |ui| {
                widgets::value_fields(ui, &body.named(), &mut filling.values, filling.strict);
            });
            ui.horizontal(|ui| {
                go = Button::accent(cx.t("playground.use_prompt")).show(ui).clicked();
                cancel = Button::quiet(cx.t("shell.cancel")).show(ui).clicked();
            });
        });
        if go && body.problems(&filling.values).is_empty() {
            let filled =
                FilledPrompt { name: record.name.clone(), body: body.clone(), values: filling.values };
            self.use_prompt(&filled, cx);
            return;
        }
        filling.strict |= go;
        if !(cancel || close) {
            self.library.filling = Some(filling);
        }
    }
}
