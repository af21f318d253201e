//! A dataset of each task, and an engine that looks at rows as a model does.

use super::fake::{Fake, column, row};
use glassworks_protocol::datasets::measure::{SeeSpec, SeenRow, SeenToken};
use glassworks_protocol::datasets::{
    ColumnKind, DataTask, DatasetJob, DatasetOutput, Made, MadeHow, Role, Row, RowFlags, RowId, RowIssue,
    Split,
};
use glassworks_protocol::ids::{DatasetId, JobId};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Command, Event, JobOutput, JobSpec, Outcome};
use glassworks_tests_screens::Window;
use serde_json::{Value, json};
use std::sync::Arc;

pub const LONG: &str = "You are closer than you think. What do the 4 and the 6 tell you about the size of each piece?\n\n\
    先别急着算。想象两块一样大的蛋糕：一块切成 4 份，另一块切成 6 份。每一份一样大吗？\n\n\
    Right, they are not. So before we add, we need pieces of the same size. Which number can both 4 and 6 grow into?";

impl Fake {
    /// Conversations of several turns.
    pub fn conversations(&mut self) -> DatasetId {
        let talk = |at: u32| {
            json!([
                { "role": "system", "content": "You are a patient tutor." },
                { "role": "user", "content": format!("Hi! I have to add 3/4 and 5/6 and I keep getting 8/10. 我不知道哪里错了。 ({at})") },
                { "role": "assistant", "content": LONG },
                { "role": "user", "content": "Twelve?" },
                { "role": "assistant", "content": "Twelve! Now 3/4 becomes 9/12 and 5/6 becomes 10/12. How many twelfths do you have in all?" },
            ])
        };
        let rows = (0..12).map(|at| {
            let value =
                json!({ "messages": talk(at), "source": "tutoring", "stars": 4, "extra": { "by": ["ada"] } });
            (value, Some(Split::Train))
        });
        let columns = vec![
            column("messages", ColumnKind::Messages),
            column("source", ColumnKind::Text),
            column("stars", ColumnKind::Number),
            column("extra", ColumnKind::Other),
        ];
        let id = self.add("Conversations", columns, rows.collect());
        let set = self.set(id);
        set.rows[1].flags = RowFlags::BAD_TURNS;
        let text = Text::new("datasets.flag_bad_turns");
        set.rows[1].issues = vec![RowIssue { flag: RowFlags::BAD_TURNS, text }];
        set.rows[2].made = Some(Made { from: RowId(0), how: MadeHow::Model });
        id
    }

    /// Instructions with an input.
    pub fn instructions(&mut self) -> DatasetId {
        let rows = vec![(json!({ "instruction": "Add both", "input": "3/4 and 5/6", "output": LONG }), None)];
        let columns = ["instruction", "input", "output"].map(|name| column(name, ColumnKind::Text));
        self.add("Instructions", columns.to_vec(), rows)
    }

    /// Texts with labelled spans.
    pub fn places(&mut self) -> DatasetId {
        let text = "Ada took the night train from 北京 to Paris, and Grace met her there on Tuesday with two tickets.";
        let spans = json!([
            { "start": 0, "end": 3, "label": "person" },
            { "start": 30, "end": 32, "label": "place", "text": "北京" },
            { "start": 200, "end": 206, "label": "place", "text": "Paris" },
        ]);
        let rows = vec![
            (json!({ "text": text, "spans": spans }), Some(Split::Train)),
            (json!({ "text": "Nobody went anywhere.", "spans": [] }), Some(Split::Train)),
        ];
        let columns = vec![column("text", ColumnKind::Text), column("spans", ColumnKind::Spans)];
        self.add("Places", columns, rows)
    }

    /// Words with tags; the second row's are not BIO.
    pub fn words(&mut self) -> DatasetId {
        let words = "Ada Lovelace wrote to Charles Babbage in London about the 北京 engine that nobody had built by Tuesday .";
        let words: Vec<&str> = words.split(' ').collect();
        let mut tags = vec!["O"; words.len()];
        (tags[0], tags[1], tags[4], tags[5], tags[7]) = ("B-PER", "I-PER", "B-PER", "I-PER", "B-LOC");
        let mut wrong = tags.clone();
        (wrong[0], wrong[7]) = ("O", "S-LOC");
        let rows = vec![
            (json!({ "tokens": words, "tags": tags }), Some(Split::Train)),
            (json!({ "tokens": words, "tags": wrong }), Some(Split::Test)),
            (json!({ "tokens": words[..4], "tags": tags[..3] }), None),
        ];
        let columns = vec![column("tokens", ColumnKind::List), column("tags", ColumnKind::List)];
        self.add("Words", columns, rows)
    }

    pub fn questions(&mut self) -> DatasetId {
        let context = "The Eiffel Tower (埃菲尔铁塔) was built from 1887 to 1889 by the engineers of Gustave Eiffel's company in Paris.";
        let answers = json!({ "text": ["1889", "gustave eiffel"], "answer_start": [48, 3] });
        let rows = vec![(
            json!({ "context": context, "question": "When was it finished?", "answers": answers }),
            None,
        )];
        let columns = vec![
            column("context", ColumnKind::Text),
            column("question", ColumnKind::Text),
            column("answers", ColumnKind::Answers),
        ];
        self.add("Questions", columns, rows)
    }

    pub fn translations(&mut self) -> DatasetId {
        let rows = vec![(
            json!({ "source": "In the beginning was the Word, and the Word was with God.", "target": "太初有道，道与神同在。" }),
            None,
        )];
        let columns = ["source", "target"].map(|name| column(name, ColumnKind::Text));
        self.add("Translations", columns.to_vec(), rows)
    }

    pub fn preferences(&mut self) -> DatasetId {
        let turns = |text: &str| json!([{ "role": "assistant", "content": text }]);
        let prompt = "Why is the sky blue?";
        let (good, bad) = (
            "Sunlight is scattered by air, and short waves are scattered most, so blue reaches us from everywhere.",
            "Sunlight is reflected by the sea, and blue waves are reflected most.",
        );
        let rows = vec![(json!({ "prompt": prompt, "chosen": good, "rejected": bad }), None)];
        let columns = ["prompt", "chosen", "rejected"].map(|name| column(name, ColumnKind::Text));
        let id = self.add("Preferences", columns.to_vec(), rows);
        let rows = vec![(json!({ "prompt": prompt, "chosen": turns(good), "rejected": turns(bad) }), None)];
        let columns = vec![
            column("prompt", ColumnKind::Text),
            column("chosen", ColumnKind::Messages),
            column("rejected", ColumnKind::Messages),
        ];
        let talks = self.add("Preferred talks", columns, rows);
        assert_eq!(self.set(talks).record.mapping.task, DataTask::Preference);
        id
    }

    /// All of them.
    pub fn every_task(&mut self) -> Vec<(&'static str, DataTask)> {
        self.conversations();
        self.instructions();
        self.reviews();
        self.places();
        self.words();
        self.questions();
        self.translations();
        self.preferences();
        self.starter();
        let all = [
            ("Conversations", DataTask::Chat),
            ("Instructions", DataTask::Chat),
            ("Film reviews", DataTask::Classification),
            ("Places", DataTask::Tagging),
            ("Words", DataTask::Tagging),
            ("Questions", DataTask::QuestionAnswering),
            ("Translations", DataTask::Pairs),
            ("Preferences", DataTask::Preference),
            ("Preferred talks", DataTask::Preference),
            ("Alice in Wonderland", DataTask::Text),
        ];
        for (name, task) in all {
            let set = self.sets.iter().find(|set| set.record.name == name).expect("the dataset");
            assert_eq!(set.record.mapping.task, task, "{name}");
        }
        all.to_vec()
    }

    /// The value of a row, by the dataset's name.
    pub fn value(&self, name: &str, at: usize) -> &Row {
        let set = self.sets.iter().find(|set| set.record.name == name).expect("the dataset");
        &set.rows[at].value
    }

    /// Rows that were asked to be looked at since the last call.
    pub fn asked_to_see(&mut self) -> Vec<(JobId, SeeSpec)> {
        let mut asked = Vec::new();
        self.orders.retain(|order| match order {
            Command::Start(job, JobSpec::Dataset(DatasetJob::See(spec))) => {
                asked.push((*job, (**spec).clone()));
                false
            }
            _ => true,
        });
        asked
    }

    /// Looks at rows as a model does, until none is asked for any more.
    pub fn see(&mut self, window: &mut Window) {
        for _ in 0..8 {
            self.answer(window);
            let asked = self.asked_to_see();
            if asked.is_empty() {
                return;
            }
            for (job, spec) in asked {
                let seen = self.seen(&spec);
                let output = JobOutput::Dataset(DatasetOutput::Seen(Arc::new(seen)));
                window.tell(Event::Settled(job, Outcome::Done(output)));
            }
        }
    }

    /// A template around turns, words as tokens, answers learned.
    pub fn seen(&mut self, spec: &SeeSpec) -> SeenRow {
        let set = self.set(spec.measure.dataset);
        let mapping = set.record.mapping.clone();
        let stored = set.row(spec.row).map(|row| row.value.clone()).unwrap_or_default();
        let value = spec.unsaved.clone().unwrap_or(stored);
        let mut tokens = Vec::new();
        for (role, text) in said(&mapping, &value) {
            let answer = role == "assistant";
            push(&mut tokens, "<|im_start|>", true, false);
            push(&mut tokens, &role, false, false);
            push(&mut tokens, "\n", false, false);
            for word in pieces(&text) {
                push(&mut tokens, &word, false, answer);
            }
            push(&mut tokens, "<|im_end|>", true, answer);
            push(&mut tokens, "\n", false, false);
        }
        let max_length = spec.measure.max_length.unwrap_or(128);
        let n_kept = (tokens.len() as u32).min(max_length);
        let learned = |tokens: &[SeenToken]| tokens.iter().filter(|token| token.learned).count() as u32;
        SeenRow {
            row: spec.row,
            n_targets: learned(&tokens),
            n_kept_targets: learned(&tokens[..n_kept as usize]),
            n_kept,
            max_length,
            in_pieces: false,
            problem: None,
            tokens,
        }
    }
}

fn said(mapping: &glassworks_protocol::datasets::Mapping, value: &Row) -> Vec<(String, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(turns) = mapping.column(Role::Messages).and_then(|name| value.get(name)?.as_array()) {
        return turns.iter().map(|turn| (text(turn.get("role")), text(turn.get("content")))).collect();
    }
    let of = |role| mapping.column(role).map(|name| text(value.get(name)));
    match of(Role::Completion) {
        Some(answer) => {
            let asked = [Role::Prompt, Role::Input].iter().filter_map(|role| of(*role)).collect::<Vec<_>>();
            vec![("user".to_owned(), asked.join("\n")), ("assistant".to_owned(), answer)]
        }
        None => vec![("assistant".to_owned(), value.values().filter_map(Value::as_str).collect())],
    }
}

fn push(tokens: &mut Vec<SeenToken>, text: &str, special: bool, learned: bool) {
    let id = tokens.len() as u32 * 37 % 1024;
    tokens.push(SeenToken { id, text: text.to_owned(), special, learned });
}

/// Words with the space before them, letters of scripts without spaces alone.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for c in text.chars() {
        let begins = !c.is_ascii() || c == ' ' || c == '\n' || c.is_ascii_punctuation();
        match pieces.last_mut() {
            Some(last) if !begins && last.is_ascii() && !last.ends_with('\n') => last.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

/// A long row of one answer.
pub fn long_row(n_words: usize) -> Row {
    let words: Vec<String> = (0..n_words).map(|at| format!("word{at}")).collect();
    row(json!({ "question": "How long?", "answer": words.join(" ") }))
}
