//! The same request as a command to type: `glassworks generate …`.

use glassworks_protocol::chat::{ChatKind, ChatRecord};
use glassworks_protocol::generate::{EarlyStopping, MirostatSpec, SamplingPreset, SamplingSpec};
use glassworks_protocol::model::{CacheWidth, ModelRecord, Precision};
use std::fmt::Write as _;
use std::path::PathBuf;

/// A line that gives what a first message of `prompt` would give.
#[must_use]
pub fn command_line(
    (model, adapter): (&ModelRecord, Option<(PathBuf, f32)>),
    chat: &ChatRecord,
    prompt: &str,
    sampling: &SamplingSpec,
    (precision, cache): (Precision, CacheWidth),
) -> String {
    let mut line = String::from("glassworks generate");
    let name = if model.starter { model.name.clone() } else { model.path.to_string_lossy().into_owned() };
    option(&mut line, "model", &quoted(&name));
    if let Some((folder, strength)) = adapter {
        option(&mut line, "adapter", &quoted(&folder.to_string_lossy()));
        if strength != 1.0 {
            option(&mut line, "strength", &format!("{strength:.2}"));
        }
    }
    if chat.kind == ChatKind::Chat {
        line.push_str(" --chat");
        let system = chat.system_prompt.trim();
        if !system.is_empty() {
            option(&mut line, "system", &quoted(system));
        }
    }
    option(&mut line, "prompt", &quoted(prompt));
    options(&mut line, sampling);
    if precision == Precision::Fast {
        option(&mut line, "precision", "fast");
    }
    if cache == CacheWidth::Eight {
        option(&mut line, "cache", "8bit");
    }
    line
}

/// Only what differs from the command's own defaults, and what has a say: beams draw nothing, and mirostat takes the
/// place of the filters.
fn options(line: &mut String, sampling: &SamplingSpec) {
    let plain = SamplingPreset::Steady.spec();
    let draws = sampling.beams.is_none();
    let filters = draws && sampling.mirostat.is_none();
    let mut number = |name: &str, value: f32, default: f32| {
        if value != default {
            option(line, name, &value.to_string());
        }
    };
    if draws {
        number("temperature", sampling.temperature, plain.temperature);
    }
    if filters {
        number("top-p", sampling.top_p.unwrap_or(1.0), 1.0);
        number("min-p", sampling.min_p.unwrap_or(0.0), 0.0);
        number("typical-p", sampling.typical_p.unwrap_or(1.0), 1.0);
    }
    if let Some(mirostat) = sampling.mirostat.filter(|_| draws && sampling.temperature > 0.0) {
        number("mirostat", mirostat.tau, 0.0);
        number("mirostat-eta", mirostat.eta, MirostatSpec::default().eta);
    }
    if let Some(beams) = sampling.beams {
        number("num-beams", beams.n as f32, 1.0);
        number("length-penalty", beams.length_penalty, 1.0);
    }
    number("repetition-penalty", sampling.repetition_penalty, plain.repetition_penalty);
    number("frequency-penalty", sampling.frequency_penalty, plain.frequency_penalty);
    number("presence-penalty", sampling.presence_penalty, plain.presence_penalty);
    match sampling.beams.map(|beams| beams.early_stopping) {
        Some(EarlyStopping::Yes) => option(line, "early-stopping", "true"),
        Some(EarlyStopping::Never) => option(line, "early-stopping", "never"),
        Some(EarlyStopping::No) | None => {}
    }
    if let Some(k) = sampling.top_k.filter(|_| filters) {
        option(line, "top-k", &k.to_string());
    }
    if sampling.max_new_tokens != plain.max_new_tokens {
        option(line, "max-new-tokens", &sampling.max_new_tokens.to_string());
    }
    if let Some(seed) = sampling.seed {
        option(line, "seed", &seed.to_string());
    }
    for stop in &sampling.stop {
        option(line, "stop", &quoted(stop));
    }
    if sampling.ignore_eos {
        line.push_str(" --ignore-eos");
    }
    if let Some(schema) = &sampling.json_schema {
        option(line, "json-schema", &quoted(&one_line(schema)));
    }
}

fn option(line: &mut String, name: &str, value: &str) {
    // Writing into a string cannot fail.
    let _infallible = write!(line, " --{name} {value}");
}

/// JSON without the spaces it doesn't need.
fn one_line(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json)
        .map_or_else(|_| json.to_owned(), |value| value.to_string())
}

/// As a shell reads it back unchanged.
fn quoted(text: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | ',' | '+' | '@');
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::generate::BeamSpec;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quoted("model.gguf"), "model.gguf");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("-n"), "'-n'");
    }

    #[test]
    fn only_what_differs_is_said() {
        let mut line = String::new();
        options(&mut line, &SamplingPreset::Steady.spec());
        assert_eq!(line, "");
        let mut spec = SamplingPreset::Balanced.spec();
        spec.seed = Some(7);
        spec.stop = vec!["\n\n".into()];
        spec.json_schema = Some("{\n  \"type\": \"string\"\n}".into());
        options(&mut line, &spec);
        assert_eq!(
            line,
            " --temperature 0.7 --top-p 0.9 --repetition-penalty 1.05 --top-k 40 --seed 7 --stop '\n\n' --json-schema '{\"type\":\"string\"}'"
        );
    }

    /// What the command would refuse beside each other isn't said together.
    #[test]
    fn what_has_no_say_is_left_out() {
        let balanced = SamplingPreset::Balanced.spec();
        let mut line = String::new();
        let beams = BeamSpec { n: 3, length_penalty: 0.5, early_stopping: EarlyStopping::Never };
        options(&mut line, &SamplingSpec { beams: Some(beams), ..balanced.clone() });
        assert_eq!(
            line,
            " --num-beams 3 --length-penalty 0.5 --repetition-penalty 1.05 --early-stopping never"
        );
        line.clear();
        let mirostat = Some(MirostatSpec { tau: 4.0, eta: 0.2 });
        options(&mut line, &SamplingSpec { mirostat, ..balanced });
        assert_eq!(line, " --temperature 0.7 --mirostat 4 --mirostat-eta 0.2 --repetition-penalty 1.05");
    }
}
