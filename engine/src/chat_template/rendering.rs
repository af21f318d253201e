//! A template read once for many conversations, in a thread with room for the deepest evaluation.

use super::render::{self, Answers as Marks, RenderError, STACK_BYTES};
use super::{Answers, ChatTemplate, answers, parse};
use crate::tokenizer::TextCodec;
use glassworks_protocol::Failure;
use glassworks_protocol::chat::Turn;
use jiff::Zoned;
use minijinja::machinery::ast::Stmt;
use serde_json::{Map, Value, json};
use std::panic::AssertUnwindSafe;
use std::thread::{self, Scope, ScopedJoinHandle};

/// Stands for a thread whose stack holds what an evaluation allows in depth.
pub struct Room(());

impl Room {
    /// Starts a thread that has it.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn spawn<'scope, T: Send + 'scope>(
        scope: &'scope Scope<'scope, '_>,
        name: String,
        work: impl FnOnce(&Self) -> T + Send + 'scope,
    ) -> std::io::Result<ScopedJoinHandle<'scope, T>> {
        let thread = thread::Builder::new().name(name).stack_size(STACK_BYTES);
        thread.spawn_scoped(scope, || work(&Self(())))
    }
}

/// A template that has been read.
pub struct Rendering<'t> {
    template: &'t ChatTemplate,
    /// Whether the template itself says where answers are.
    marks: bool,
    tree: Result<Stmt<'t>, Failure>,
    /// What a template is always given, without the conversation.
    variables: Map<String, Value>,
    now: Zoned,
}

impl ChatTemplate {
    /// Reads the template, and lends it to `work`.
    pub fn in_room<T>(
        &self,
        _: &Room,
        codec: &TextCodec,
        now_ms: i64,
        work: impl FnOnce(&Rendering<'_>) -> T,
    ) -> T {
        let marks = parse::marks_answers(&self.default);
        let how = if marks { Marks::Marked } else { Marks::Plain };
        let source = parse::prepare(&self.default, how);
        let tree = match &source {
            Ok(source) => parse::syntax_tree(source).map_err(|error| self.failure(&error)),
            Err(error) => Err(self.failure(error)),
        };
        let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let now = now.to_zoned(jiff::tz::TimeZone::system());
        let mut variables = Map::new();
        for (name, text) in codec.special_texts() {
            variables.insert(name.to_owned(), Value::String(text.to_owned()));
        }
        variables.insert("tools".into(), Value::Null);
        work(&Rendering { template: self, marks, tree, variables, now })
    }
}

impl Rendering<'_> {
    /// As [`ChatTemplate::answers`].
    ///
    /// # Errors
    /// As there.
    pub fn answers(&self, turns: &[Turn]) -> Result<Answers, Failure> {
        answers::found(self.marks, turns, &|turns, add_generation_prompt| {
            self.render(turns, add_generation_prompt)
        })
    }

    fn render(&self, turns: &[Turn], add_generation_prompt: bool) -> Result<String, Failure> {
        let tree = self.tree.as_ref().map_err(Clone::clone)?;
        let messages = turns.iter().map(|turn| json!({ "role": turn.role, "content": turn.content }));
        let messages = Value::Array(messages.collect());
        let asked = ("add_generation_prompt", Value::Bool(add_generation_prompt));
        let evaluate = || render::evaluate(tree, &messages, &self.variables, Some(&asked), &self.now);
        // A panic is the template's, not its reader's.
        let rendered = std::panic::catch_unwind(AssertUnwindSafe(evaluate))
            .unwrap_or_else(|_| Err(RenderError::Broken { why: render::PANICKED.into(), line: 1 }));
        rendered.map_err(|error| self.template.failure(&error))
    }
}
