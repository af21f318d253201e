//! Every sentence a person reads, by key, in every language Glassworks speaks.
//!
//! The tables lie in `assets/i18n/<language>/<area>.json`: flat objects from key to sentence, `{name}` marks
//! an argument. A test holds the languages equal; another one checks that every key in the code has a sentence.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A sentence to be: its key and its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    pub key: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(Cow<'static, str>, String)>,
}

impl Text {
    #[must_use]
    pub fn new(key: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), args: Vec::new() }
    }

    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((Cow::Borrowed(name), value.to_string()));
        self
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "zh-Hans")]
    Chinese,
}

type Table = HashMap<String, String>;

macro_rules! tables {
    ($folder:literal: $($area:literal),+ $(,)?) => {
        [$(($area, include_str!(concat!("../../../assets/i18n/", $folder, "/", $area, ".json")))),+]
    };
}

/// The areas' files as they were compiled in, in the same order for every language.
#[must_use]
pub fn sources(language: Language) -> [(&'static str, &'static str); 17] {
    match language {
        Language::English => {
            tables!("en": "cli", "compare", "data", "datasets", "failure", "finetune", "inside", "job", "model", "playground", "predict", "prompts", "runs", "settings", "shell", "tokens", "train")
        }
        Language::Chinese => {
            tables!("zh-Hans": "cli", "compare", "data", "datasets", "failure", "finetune", "inside", "job", "model", "playground", "predict", "prompts", "runs", "settings", "shell", "tokens", "train")
        }
    }
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language's name in itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// The language a locale such as `zh_CN.UTF-8` asks for.
    #[must_use]
    pub fn from_locale(locale: &str) -> Self {
        if locale.to_ascii_lowercase().starts_with("zh") { Self::Chinese } else { Self::English }
    }

    /// The sentence for `key` with no arguments filled in; the key itself when there is none.
    #[must_use]
    pub fn get(self, key: &str) -> &str {
        self.table().get(key).map_or(key, String::as_str)
    }

    /// Whether the tables have a sentence for `key`.
    #[must_use]
    pub fn has(self, key: &str) -> bool {
        self.table().contains_key(key)
    }

    /// The sentence with its arguments filled in.
    #[must_use]
    pub fn render(self, text: &Text) -> String {
        fill(self.get(&text.key), |name| {
            text.args.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
        })
    }

    /// The sentence for `key` with `args` filled in, for callers that have no [`Text`] at hand.
    #[must_use]
    pub fn format(self, key: &str, args: &[(&str, &dyn std::fmt::Display)]) -> String {
        let args: Vec<(&str, String)> = args.iter().map(|(n, v)| (*n, v.to_string())).collect();
        fill(self.get(key), |name| args.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str()))
    }

    fn table(self) -> &'static Table {
        static TABLES: OnceLock<[Table; 2]> = OnceLock::new();
        let tables = TABLES.get_or_init(|| {
            Self::ALL.map(|language| {
                let mut table = Table::new();
                for (_, source) in sources(language) {
                    // A broken table shows keys instead of sentences; the table test names the file.
                    table.extend(serde_json::from_str::<Table>(source).unwrap_or_default());
                }
                table
            })
        });
        &tables[self as usize]
    }
}

/// Replaces each `{name}` that `value` knows; leaves the rest as it is.
fn fill<'a>(sentence: &str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + close];
        match value(name) {
            Some(v) => out.push_str(v),
            None => out.push_str(&rest[open..=open + close]),
        }
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn table(source: &str) -> Vec<(String, String)> {
        let value: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(source).expect("a flat JSON object");
        value.into_iter().map(|(k, v)| (k, v.as_str().expect("a string").to_owned())).collect()
    }

    fn arguments(sentence: &str) -> BTreeSet<String> {
        sentence
            .split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()))
            .collect()
    }

    #[test]
    fn the_languages_have_the_same_keys_and_arguments() {
        for ((area, en), (_, zh)) in sources(Language::English).into_iter().zip(sources(Language::Chinese)) {
            let (en, zh) = (table(en), table(zh));
            let keys = |t: &[(String, String)]| t.iter().map(|(k, _)| k.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&en), keys(&zh), "{area}: the same keys in the same order");
            for ((key, en), (_, zh)) in en.iter().zip(&zh) {
                assert!(key.starts_with(&format!("{area}.")), "{key} belongs into another file");
                assert!(!en.is_empty() && !zh.is_empty(), "{key} is empty");
                assert_eq!(arguments(en), arguments(zh), "{key}: the same arguments");
            }
        }
    }

    #[test]
    fn arguments_are_filled_in_and_unknown_ones_stay() {
        let text = fill("{a} of {b}, {c}", |name| match name {
            "a" => Some("1"),
            "b" => Some("{a}"),
            _ => None,
        });
        assert_eq!(text, "1 of {a}, {c}");
    }

    #[test]
    fn locales_choose_the_language() {
        assert_eq!(Language::from_locale("zh_CN.UTF-8"), Language::Chinese);
        assert_eq!(Language::from_locale("de_DE.UTF-8"), Language::English);
    }
}
