//! Prompts as a file: JSON that says what it is and of which version. Read with patience: what can't be read of a
//! prompt costs only that prompt, fields that aren't known are passed over.

use super::{PromptBody, PromptRecord, folder_path};
use crate::text::{Language, Text};
use crate::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const FORMAT: &str = "glassworks-prompts";
const VERSION: u64 = 1;

/// A prompt as it lies in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedPrompt {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub folder: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(flatten)]
    pub body: PromptBody,
}

impl SharedPrompt {
    /// As a prompt of the library.
    #[must_use]
    pub fn record(self, now_ms: i64) -> PromptRecord {
        let tags = self.tags.into_iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        let tags = tags.collect();
        PromptRecord { tags, ..PromptRecord::new(self.name.trim(), &self.folder, self.body.tidied(), now_ms) }
    }
}

/// Prompts as the text of a file.
#[must_use]
pub fn write<'a>(prompts: impl IntoIterator<Item = &'a PromptRecord>) -> String {
    let shared = |one: &PromptRecord| SharedPrompt {
        name: one.name.clone(),
        folder: one.folder.clone(),
        tags: one.tags.clone(),
        body: one.now().tidied(),
    };
    let prompts: Vec<SharedPrompt> = prompts.into_iter().map(shared).collect();
    let file = json!({ "format": FORMAT, "version": VERSION, "prompts": prompts });
    format!("{file:#}\n")
}

/// The prompts in a file's text, and what could not be read.
///
/// # Errors
/// When it holds no prompts, or is of a newer version.
pub fn read(text: &str) -> Result<(Vec<SharedPrompt>, Vec<Text>), Failure> {
    let refused = |key, hint| Failure::new(FailureKind::Input, Text::new(key)).hint(Text::new(hint));
    let no_prompts = || refused("failure.prompts_file", "failure.prompts_file_hint");
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text).map_err(|error| no_prompts().detail(error.to_string()))?;
    if value.get("version").and_then(Value::as_u64).is_some_and(|version| version > VERSION) {
        return Err(refused("failure.prompts_newer", "failure.prompts_newer_hint"));
    }
    let listed = match &value {
        Value::Object(fields) if fields.get("format").is_none_or(|format| format == FORMAT) => {
            fields.get("prompts").and_then(Value::as_array).map(Vec::as_slice)
        }
        _ => None,
    };
    let (mut prompts, mut problems) = (Vec::new(), Vec::new());
    for (at, one) in listed.ok_or_else(no_prompts)?.iter().enumerate() {
        match serde_json::from_value::<SharedPrompt>(one.clone()) {
            Ok(prompt) if !prompt.name.trim().is_empty() => prompts.push(prompt),
            Ok(_) => problems.push(Text::new("prompts.no_name").arg("n", at + 1)),
            Err(error) => {
                problems.push(Text::new("prompts.unreadable").arg("n", at + 1).arg("why", error));
            }
        }
    }
    if prompts.is_empty() && problems.is_empty() {
        return Err(no_prompts());
    }
    Ok((prompts, problems))
}

/// Prompts that come with the program, to begin with.
#[must_use]
pub fn bundled(language: Language) -> Vec<SharedPrompt> {
    let text = match language {
        Language::English => include_str!("../../../../assets/prompts/en.json"),
        Language::Chinese => include_str!("../../../../assets/prompts/zh-Hans.json"),
    };
    // A test reads them.
    read(text).map(|(prompts, _)| prompts).unwrap_or_default()
}

/// Where a prompt goes, shown before its name: `School / Year 5`.
#[must_use]
pub fn shown_folder(folder: &str) -> String {
    folder_path(folder).replace('/', " / ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::{Values, Variable, VariableKind};

    #[test]
    fn what_is_written_is_read() {
        let body = PromptBody {
            system: "Be brief".to_owned(),
            text: "Say {x} {y}".to_owned(),
            variables: vec![Variable {
                kind: VariableKind::Number { least: Some(1.0), most: None },
                ..Variable::new("x")
            }],
            examples: vec![super::super::PromptExample {
                values: Values::from([("x".to_owned(), "3".to_owned())]),
                answer: "three".to_owned(),
            }],
        };
        let mut record = PromptRecord::new("Numbers", "School/Maths", body, 7);
        record.tags = vec!["maths".to_owned()];
        let (read, problems) = read(&write([&record])).unwrap();
        assert!(problems.is_empty());
        let again = read[0].clone().record(7);
        assert_eq!(PromptRecord { id: record.id, ..again }, record);
    }

    #[test]
    fn what_is_unknown_costs_only_itself() {
        let text = r#"{"format":"glassworks-prompts","version":1,"later":true,"prompts":[
            {"name":"A","text":"{x}","colour":"red"}, {"name":" "}, {"name":"B","text":3}]}"#;
        let (prompts, problems) = read(text).unwrap();
        assert_eq!((prompts.len(), problems.len()), (1, 2));
        assert_eq!(prompts[0].body.text, "{x}");
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let check = |text: &str, key: &str| assert_eq!(read(text).unwrap_err().summary.key, key, "{text}");
        check("not JSON", "failure.prompts_file");
        check("[]", "failure.prompts_file");
        check(r#"{"format":"chats","prompts":[]}"#, "failure.prompts_file");
        check(r#"{"prompts":[]}"#, "failure.prompts_file");
        check(r#"{"version":2,"prompts":[{"name":"A"}]}"#, "failure.prompts_newer");
    }

    #[test]
    fn every_language_brings_the_same_examples() {
        let shapes = Language::ALL.map(|language| {
            let all = bundled(language);
            assert!(all.len() >= 4, "{language:?}");
            for one in &all {
                assert_eq!(one.body.tidied(), one.body, "{}", one.name);
                for example in &one.body.examples {
                    assert!(one.body.problems(&example.values).is_empty(), "{}", one.name);
                }
            }
            all.iter().map(|one| (one.body.named().len(), one.body.examples.len())).collect::<Vec<_>>()
        });
        assert_eq!(shapes[0], shapes[1]);
    }
}
