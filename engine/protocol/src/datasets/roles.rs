//! What a dataset is for, and what its columns are in it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What rows teach, which decides how they are shown, edited and checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataTask {
    /// Conversations, or instructions with answers.
    Chat,
    /// A text and what it is sorted as.
    Classification,
    /// Words with tags (BIO), or a text with labelled spans.
    Tagging,
    /// A question, and answers that are literal spans of a context.
    QuestionAnswering,
    /// A source and a target: translation, summarising.
    Pairs,
    /// One prompt, an answer that is preferred and one that is not.
    Preference,
    /// Text to go on with.
    #[default]
    Text,
}

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A list of turns, `{"role", "content"}`.
    Messages,
    System,
    /// An instruction or question.
    Prompt,
    /// What the instruction is about (Alpaca's `input`).
    Input,
    Completion,
    Chosen,
    Rejected,
    Text,
    Label,
    /// A list of `{"start", "end", "label"}` over the text, in Unicode characters, `end` exclusive.
    Spans,
    /// A list of words.
    Tokens,
    /// A list of tags, one a word.
    Tags,
    Context,
    Question,
    /// `{"text": […], "answer_start": […]}` as SQuAD has it in `datasets`, starts in Unicode characters.
    Answers,
    Source,
    Target,
    /// Rows with the same value stay on one side of a split.
    Group,
}

/// What kind of values a column holds, as far as it was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    #[default]
    Text,
    Number,
    Bool,
    /// Turns of a conversation.
    Messages,
    /// Labelled spans.
    Spans,
    /// A list of texts or whole numbers.
    List,
    Answers,
    /// Any other JSON, or several of these.
    Other,
}

/// A column of a dataset or of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnRecord {
    pub name: String,
    pub kind: ColumnKind,
}

/// What a dataset is for and which column is what. At most one column a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    pub task: DataTask,
    pub roles: BTreeMap<Role, String>,
}

/// A task and the roles it takes.
#[derive(Debug)]
pub struct TaskRow {
    pub task: DataTask,
    /// Each a set of roles that are enough together.
    pub needs: &'static [&'static [Role]],
    /// Those it can also use.
    pub also: &'static [Role],
}

/// All tasks, in the order a person is offered them.
pub const TASKS: [TaskRow; 7] = [
    TaskRow {
        task: DataTask::Chat,
        needs: &[&[Role::Messages], &[Role::Prompt, Role::Completion]],
        also: &[Role::System, Role::Input, Role::Group],
    },
    TaskRow { task: DataTask::Classification, needs: &[&[Role::Text, Role::Label]], also: &[Role::Group] },
    TaskRow {
        task: DataTask::Tagging,
        needs: &[&[Role::Tokens, Role::Tags], &[Role::Text, Role::Spans]],
        also: &[Role::Group],
    },
    TaskRow {
        task: DataTask::QuestionAnswering,
        needs: &[&[Role::Context, Role::Question, Role::Answers]],
        also: &[Role::Group],
    },
    TaskRow { task: DataTask::Pairs, needs: &[&[Role::Source, Role::Target]], also: &[Role::Group] },
    TaskRow {
        task: DataTask::Preference,
        needs: &[&[Role::Prompt, Role::Chosen, Role::Rejected], &[Role::Chosen, Role::Rejected]],
        also: &[Role::System, Role::Group],
    },
    TaskRow { task: DataTask::Text, needs: &[&[Role::Text]], also: &[Role::Label, Role::Group] },
];

/// Names that columns of a role go by, in lower case; the first found counts.
const NAMES: [(Role, &[&str]); 18] = [
    (Role::Messages, &["messages", "conversations", "conversation", "dialog", "dialogue", "turns", "chat"]),
    (Role::System, &["system", "system_prompt"]),
    (Role::Prompt, &["prompt", "instruction", "question", "query", "user", "ask", "request", "问题", "指令"]),
    (Role::Input, &["input"]),
    (Role::Completion, &["completion", "output", "response", "answer", "assistant", "reply", "回答", "答案"]),
    (Role::Chosen, &["chosen", "preferred", "winner", "response_chosen"]),
    (Role::Rejected, &["rejected", "dispreferred", "loser", "response_rejected"]),
    (
        Role::Text,
        &[
            "text", "sentence", "review", "content", "document", "comment", "body", "文本", "内容", "句子",
            "评论", "正文", "评价",
        ],
    ),
    (Role::Label, &["label", "class", "category", "sentiment", "labels", "标签", "类别", "分类", "情感"]),
    (Role::Spans, &["spans", "entities", "annotations"]),
    (Role::Tokens, &["tokens", "words"]),
    (Role::Tags, &["tags", "ner_tags", "pos_tags", "labels", "bio"]),
    (Role::Context, &["context", "passage", "paragraph"]),
    (Role::Question, &["question", "query"]),
    (Role::Answers, &["answers", "answer"]),
    (Role::Source, &["source", "src", "document", "article", "original", "en", "english", "原文"]),
    (
        Role::Target,
        &["target", "tgt", "summary", "translation", "highlights", "zh", "chinese", "fr", "de", "译文"],
    ),
    (Role::Group, &["group", "group_id", "session", "document_id", "author"]),
];

impl TaskRow {
    #[must_use]
    pub fn of(task: DataTask) -> &'static Self {
        TASKS.iter().find(|row| row.task == task).unwrap_or(&TASKS[6])
    }

    /// Every role it can use, each once, in a person's order.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        let mut roles: Vec<Role> = Vec::new();
        for role in self.needs.iter().flat_map(|set| set.iter()).chain(self.also) {
            if !roles.contains(role) {
                roles.push(*role);
            }
        }
        roles
    }
}

impl Role {
    /// Whether a column of this kind can be it.
    #[must_use]
    pub fn takes(self, kind: ColumnKind) -> bool {
        match self {
            Self::Messages => kind == ColumnKind::Messages,
            Self::Chosen | Self::Rejected | Self::Prompt => {
                matches!(kind, ColumnKind::Text | ColumnKind::Messages | ColumnKind::Number)
            }
            Self::Spans => kind == ColumnKind::Spans,
            Self::Tokens | Self::Tags => kind == ColumnKind::List,
            Self::Answers => kind == ColumnKind::Answers,
            Self::Label | Self::Group => {
                matches!(kind, ColumnKind::Text | ColumnKind::Number | ColumnKind::Bool)
            }
            _ => matches!(kind, ColumnKind::Text | ColumnKind::Number),
        }
    }
}

impl Mapping {
    /// The column of a role.
    #[must_use]
    pub fn column(&self, role: Role) -> Option<&str> {
        self.roles.get(&role).map(String::as_str)
    }

    /// The roles that are missing for the task: of the set that lacks least. Empty when rows can be used.
    #[must_use]
    pub fn missing(&self) -> Vec<Role> {
        let missing = |set: &&[Role]| -> Vec<Role> {
            set.iter().copied().filter(|role| !self.roles.contains_key(role)).collect()
        };
        let sets = TaskRow::of(self.task).needs.iter().map(missing);
        sets.min_by_key(Vec::len).unwrap_or_default()
    }

    /// What columns most likely are, by their names and kinds.
    #[must_use]
    pub fn guess(columns: &[ColumnRecord]) -> Self {
        use DataTask::{Chat, Classification, Pairs, Preference, QuestionAnswering, Tagging, Text};
        let likely = [Preference, QuestionAnswering, Tagging, Chat, Classification, Pairs, Text];
        let whole =
            likely.into_iter().map(|task| Self::guess_for(task, columns)).find(|m| m.missing().is_empty());
        whole.unwrap_or_else(|| {
            // No name says anything: the longest shot is the first column of text.
            let text = columns.iter().find(|column| column.kind == ColumnKind::Text);
            let roles = text.map(|column| (Role::Text, column.name.clone())).into_iter().collect();
            Self { task: Text, roles }
        })
    }

    /// What columns most likely are in one task.
    #[must_use]
    pub fn guess_for(task: DataTask, columns: &[ColumnRecord]) -> Self {
        let mut roles = BTreeMap::new();
        for role in TaskRow::of(task).roles() {
            let names = NAMES.iter().find(|(one, _)| *one == role).map_or(&[][..], |(_, names)| *names);
            let free = |column: &&ColumnRecord| {
                role.takes(column.kind) && !roles.values().any(|taken| *taken == column.name)
            };
            let named = |name: &&str| {
                let same = |column: &&ColumnRecord| column.name.trim().to_lowercase() == *name;
                columns.iter().filter(free).find(same)
            };
            let found = names.iter().find_map(named);
            // A conversation is one whatever it is called.
            let by_kind = || match role {
                Role::Messages | Role::Spans => columns.iter().find(|c| role.takes(c.kind)),
                _ => None,
            };
            if let Some(column) = found.or_else(by_kind) {
                roles.insert(role, column.name.clone());
            }
        }
        Self { task, roles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnKind::{Answers, List, Messages, Number, Spans, Text};

    fn check(columns: &[(&str, ColumnKind)], task: DataTask, roles: &[(Role, &str)]) {
        let columns: Vec<ColumnRecord> = columns
            .iter()
            .map(|(name, kind)| ColumnRecord { name: (*name).to_owned(), kind: *kind })
            .collect();
        let guess = Mapping::guess(&columns);
        let expected = roles.iter().map(|(role, name)| (*role, (*name).to_owned())).collect();
        assert_eq!(guess, Mapping { task, roles: expected }, "{columns:?}");
    }

    #[test]
    fn names_are_guessed() {
        check(&[("id", Number), ("talk", Messages)], DataTask::Chat, &[(Role::Messages, "talk")]);
        check(
            &[("Instruction", Text), ("input", Text), ("output", Text)],
            DataTask::Chat,
            &[(Role::Prompt, "Instruction"), (Role::Input, "input"), (Role::Completion, "output")],
        );
        check(
            &[("Review", Text), ("Sentiment", Number)],
            DataTask::Classification,
            &[(Role::Text, "Review"), (Role::Label, "Sentiment")],
        );
        check(
            &[("tokens", List), ("ner_tags", List)],
            DataTask::Tagging,
            &[(Role::Tokens, "tokens"), (Role::Tags, "ner_tags")],
        );
        check(
            &[("text", Text), ("marks", Spans)],
            DataTask::Tagging,
            &[(Role::Text, "text"), (Role::Spans, "marks")],
        );
        check(
            &[("context", Text), ("question", Text), ("answers", Answers)],
            DataTask::QuestionAnswering,
            &[(Role::Context, "context"), (Role::Question, "question"), (Role::Answers, "answers")],
        );
        check(
            &[("prompt", Text), ("chosen", Text), ("rejected", Text)],
            DataTask::Preference,
            &[(Role::Prompt, "prompt"), (Role::Chosen, "chosen"), (Role::Rejected, "rejected")],
        );
        check(
            &[("article", Text), ("summary", Text)],
            DataTask::Pairs,
            &[(Role::Source, "article"), (Role::Target, "summary")],
        );
        check(&[("a", Number), ("b", Text)], DataTask::Text, &[(Role::Text, "b")]);
    }

    #[test]
    fn what_is_missing_is_of_the_nearest_set() {
        let mapping = |task, roles: &[Role]| Mapping {
            task,
            roles: roles.iter().map(|role| (*role, "x".to_owned())).collect(),
        };
        assert_eq!(mapping(DataTask::Chat, &[]).missing(), [Role::Messages]);
        assert_eq!(mapping(DataTask::Chat, &[Role::Prompt, Role::Completion]).missing(), []);
        assert_eq!(mapping(DataTask::Tagging, &[Role::Text]).missing(), [Role::Spans]);
    }
}
