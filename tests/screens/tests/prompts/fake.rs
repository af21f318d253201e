//! A library to show, and an engine's answers about it.

use glassworks_protocol::generate::{Prompt, PromptPreview};
use glassworks_protocol::ids::{EditId, JobId, PromptId};
use glassworks_protocol::machine::StartReport;
use glassworks_protocol::prompts::{
    FileRows, PromptBody, PromptEdit, PromptExample, PromptJob, PromptPage, PromptQuery, PromptRecord,
    PromptResult, PromptRun, PromptSheet, PromptStored, PromptTable, PromptVersion, Values, Variable,
    VariableKind,
};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Command, Edit, Event, JobOutput, JobSpec, Outcome, Page, Query, Stored};
use glassworks_tests_screens::{NOW_MS, Window, fixtures};
use std::collections::HashMap;
use std::sync::Arc;

pub const WIDE: (f32, f32) = (1440.0, 900.0);
pub const NARROW: (f32, f32) = (1024.0, 700.0);

pub struct Fake {
    pub start: StartReport,
    pub list: Vec<PromptRecord>,
    pub versions: HashMap<PromptId, Vec<PromptVersion>>,
    pub tables: HashMap<PromptId, PromptTable>,
    /// Whether questions about the library are answered.
    pub silent: bool,
    /// What else was asked.
    pub orders: Vec<Command>,
}

impl Fake {
    pub fn new() -> Self {
        Self::on("prompts")
    }

    pub fn on(pane: &str) -> Self {
        Self {
            start: fixtures::start_on(pane),
            list: Vec::new(),
            versions: HashMap::new(),
            tables: HashMap::new(),
            silent: false,
            orders: Vec::new(),
        }
    }

    /// A library in some folders, `Explain to a class` first.
    pub fn stocked() -> Self {
        let mut fake = Self::new();
        fake.add("Explain to a class", "Teaching", explain());
        fake.add("Good or bad review", "Sorting", review());
        fake.add("Letter to parents", "Teaching/Letters", text("Write to the parents of {child}."));
        fake.add("Haiku", "", text("Write a haiku about {topic}."));
        // What was changed last is what is open at first.
        fake.list[0].changed_at_ms += 1;
        fake
    }

    pub fn add(&mut self, name: &str, folder: &str, body: PromptBody) -> PromptId {
        let record = PromptRecord::new(name, folder, body, NOW_MS - 5_000_000);
        let id = record.id;
        self.create(record);
        id
    }

    fn create(&mut self, record: PromptRecord) {
        let version = PromptVersion {
            prompt: record.id,
            n: 1,
            label: String::new(),
            body: record.body.tidied(),
            at_ms: record.created_at_ms,
        };
        self.versions.insert(record.id, vec![version]);
        self.list.push(record);
    }

    pub fn open(&mut self, language: Language, theme: ThemeChoice, size: (f32, f32)) -> Window {
        self.start.settings.language = Some(language);
        self.start.settings.theme = theme;
        let mut window = Window::sized(self.start.clone(), size.0, size.1, 1.0);
        self.answer(&mut window);
        window
    }

    /// Answers what the window asked, until it asks no more.
    pub fn answer(&mut self, window: &mut Window) {
        for _ in 0..16 {
            let commands = window.commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                match command {
                    Command::Fetch(id, query) => {
                        if let Some(page) = self.page(&query) {
                            window.tell(Event::Fetched(id, page));
                        }
                    }
                    Command::Edit(_, Edit::Prompt(edit)) => {
                        for stored in self.edit(edit) {
                            window.tell(Event::Stored(Stored::Prompt(stored)));
                        }
                    }
                    Command::Start(id, JobSpec::PreviewPrompt { prompt, .. }) => {
                        let told = Arc::new(preview(&prompt));
                        window.tell(Event::Settled(id, Outcome::Done(JobOutput::Preview(told))));
                    }
                    other => self.orders.push(other),
                }
            }
        }
    }

    fn page(&self, query: &Query) -> Option<Page> {
        Some(match query {
            Query::Runs => Page::Runs(Vec::new()),
            Query::Checkpoints => Page::Checkpoints(Vec::new()),
            Query::Prompt(_) if self.silent => return None,
            Query::Prompt(PromptQuery::All) => {
                let all = self.list.iter().map(|record| Arc::new(record.clone())).collect();
                Page::Prompt(PromptPage::All(all))
            }
            Query::Prompt(PromptQuery::Versions(id)) => {
                let all = self.versions[id].iter().rev().map(|version| Arc::new(version.clone())).collect();
                Page::Prompt(PromptPage::Versions(all))
            }
            Query::Prompt(PromptQuery::Table(id)) => {
                let table = self.tables.get(id).cloned().unwrap_or_default();
                Page::Prompt(PromptPage::Table(Box::new(table)))
            }
            Query::Prompt(PromptQuery::Rows(_)) => {
                let row = |topic: &str, years: &str| {
                    Values::from([("Topic".into(), topic.into()), ("years".into(), years.into())])
                };
                Page::Prompt(PromptPage::Rows(Arc::new(FileRows {
                    columns: vec!["Topic".to_owned(), "years".to_owned()],
                    rows: vec![row("snow", "11"), row("salt", "12")],
                    n_left_out: 0,
                })))
            }
            _ => return None,
        })
    }

    pub fn get(&self, name: &str) -> &PromptRecord {
        self.list.iter().find(|record| record.name == name).expect("a prompt of this name")
    }

    fn edit(&mut self, edit: PromptEdit) -> Vec<PromptStored> {
        let kept = edit.clone();
        let prompt = match edit {
            PromptEdit::Create(record) => {
                let id = record.id;
                self.create(*record);
                id
            }
            PromptEdit::Rename { prompt, name } => self.change(prompt, |record| record.name = name),
            PromptEdit::Move { prompt, folder } => self.change(prompt, |record| record.folder = folder),
            PromptEdit::Tag { prompt, tags } => self.change(prompt, |record| record.tags = tags),
            PromptEdit::Draft { prompt, draft } => self.change(prompt, |record| {
                record.draft = draft.filter(|draft| draft.tidied() != record.body);
            }),
            PromptEdit::Save { prompt, body, label } => {
                let n = self.versions[&prompt].len() as u32 + 1;
                let body = body.tidied();
                let version = PromptVersion { prompt, n, label, body: body.clone(), at_ms: NOW_MS };
                self.versions.get_mut(&prompt).expect("versions").push(version.clone());
                self.change(prompt, |record| {
                    (record.version, record.n_versions) = (n, n);
                    (record.body, record.draft, record.can_undo) = (body, None, true);
                });
                let told = PromptStored::Prompt(Arc::new(self.of(prompt).clone()));
                return vec![PromptStored::Version(Arc::new(version)), told];
            }
            PromptEdit::Label { prompt, version, label } => {
                let versions = self.versions.get_mut(&prompt).expect("versions");
                let one = versions.iter_mut().find(|one| one.n == version).expect("the version");
                one.label = label;
                return vec![PromptStored::Version(Arc::new(one.clone()))];
            }
            PromptEdit::Trash(prompt) => self.change(prompt, |record| record.trashed_at_ms = Some(NOW_MS)),
            PromptEdit::Restore(prompt) => self.change(prompt, |record| record.trashed_at_ms = None),
            PromptEdit::DeleteForever(prompt) => {
                self.list.retain(|record| record.id != prompt);
                return vec![PromptStored::Deleted(prompt)];
            }
            PromptEdit::Undo(prompt) => {
                let n = self.of(prompt).version - 1;
                let body = self.versions[&prompt][n as usize - 1].body.clone();
                self.change(prompt, |record| {
                    (record.version, record.body) = (n, body);
                    (record.can_undo, record.can_redo) = (n > 1, true);
                })
            }
            PromptEdit::SaveSheet { prompt, sheet } => {
                self.tables.entry(prompt).or_default().sheet = (*sheet).clone();
                return vec![PromptStored::Sheet { prompt, sheet: Arc::new(*sheet) }];
            }
            PromptEdit::Redo(_) | PromptEdit::RemoveRun(_) => {
                self.orders.push(Command::Edit(EditId::mint(), Edit::Prompt(kept)));
                return Vec::new();
            }
        };
        vec![PromptStored::Prompt(Arc::new(self.of(prompt).clone()))]
    }

    pub fn of(&self, id: PromptId) -> &PromptRecord {
        self.list.iter().find(|record| record.id == id).expect("it is there")
    }

    fn change(&mut self, id: PromptId, change: impl FnOnce(&mut PromptRecord)) -> PromptId {
        change(self.list.iter_mut().find(|record| record.id == id).expect("it is there"));
        id
    }

    /// The newest job that was started, with what it was asked.
    pub fn started(&mut self, window: &mut Window) -> (JobId, PromptJob) {
        self.answer(window);
        let is_job = |order: &Command| matches!(order, Command::Start(_, JobSpec::Prompt(_)));
        let at = self.orders.iter().rposition(is_job).expect("a job is started");
        match self.orders.remove(at) {
            Command::Start(id, JobSpec::Prompt(job)) => (id, job),
            other => panic!("{other:?}"),
        }
    }

    /// A reply for a row, as the engine tells it.
    pub fn write(&self, window: &mut Window, run: &PromptRun, row: u64, values: &Values, text: &str) {
        let result = PromptResult {
            run: run.id,
            row,
            values: values.clone(),
            text: text.to_owned(),
            n_prompt: 61,
            n_new: 4 + text.len() as u32 / 4,
            secs: 1.3,
            perplexity: Some(1.0 + text.len() as f32 / 40.0),
            seed: 7,
            finish: None,
            failure: None,
        };
        let stored = PromptStored::Result { prompt: run.prompt, result: Arc::new(result) };
        window.tell(Event::Stored(Stored::Prompt(stored)));
    }

    /// A table with these topics.
    pub fn topics(&mut self, prompt: PromptId, topics: &[&str]) {
        let mut sheet = PromptSheet::default();
        sheet.extend(topics.iter().map(|topic| {
            Values::from([("topic".to_owned(), (*topic).to_owned()), ("age".to_owned(), "9".to_owned())])
        }));
        self.tables.insert(prompt, PromptTable { sheet, ..PromptTable::default() });
    }
}

/// What the model would get, as if each word were a token.
fn preview(prompt: &Prompt) -> PromptPreview {
    let text = match prompt {
        Prompt::Text(text) => text.clone(),
        Prompt::Chat { turns, .. } => {
            let turn = |turn: &glassworks_protocol::chat::Turn| {
                format!("<|im_start|>{}\n{}<|im_end|>\n", turn.role, turn.content)
            };
            turns.iter().map(turn).collect::<String>() + "<|im_start|>assistant\n"
        }
    };
    let n_tokens = text.split_whitespace().count() as u32;
    let template = matches!(prompt, Prompt::Chat { .. })
        .then(|| glassworks_protocol::chat::TemplateSource::Model("tokenizer_config.json".to_owned()));
    PromptPreview { text, n_tokens, context_length: 8192, template }
}

fn text(text: &str) -> PromptBody {
    PromptBody { text: text.to_owned(), ..PromptBody::default() }
}

fn explain() -> PromptBody {
    let age = Variable {
        label: "Age".to_owned(),
        kind: VariableKind::Number { least: Some(4.0), most: Some(99.0) },
        default: "10".to_owned(),
        ..Variable::new("age")
    };
    let tone = Variable {
        label: "Tone".to_owned(),
        kind: VariableKind::Choice(vec!["friendly".to_owned(), "plain".to_owned()]),
        default: "friendly".to_owned(),
        ..Variable::new("tone")
    };
    PromptBody {
        system: "You are a patient teacher. You explain with everyday examples.".to_owned(),
        text: "Explain {topic} to pupils who are {age} years old.\nKeep it {tone}, and answer as JSON: {\"text\": \"…\"}"
            .to_owned(),
        variables: vec![age, tone],
        examples: Vec::new(),
    }
}

fn review() -> PromptBody {
    let example = |review: &str, answer: &str| PromptExample {
        values: Values::from([("review".to_owned(), review.to_owned())]),
        answer: answer.to_owned(),
    };
    PromptBody {
        text: "Review: {review}\nSentiment:".to_owned(),
        variables: vec![Variable {
            label: "Review".to_owned(),
            kind: VariableKind::LongText,
            ..Variable::new("review")
        }],
        examples: vec![
            example("A warm and funny film that I would see again tomorrow.", "good"),
            example("It drags from the first minute, and the ending makes no sense.", "bad"),
        ],
        ..PromptBody::default()
    }
}
