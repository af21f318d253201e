//! `--help` and usage errors in the person's language: clap parses, the tables speak.

use super::args::Cli;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};

/// The command line with every help text taken from the tables.
#[must_use]
pub fn localised(language: Language) -> Command {
    dress(Cli::command(), "cli.help", language, true)
}

/// `path` is the key of this command's own sentence; its arguments' are below it.
fn dress(command: Command, path: &str, language: Language, is_root: bool) -> Command {
    let template =
        format!("{{about}}\n\n{} {{usage}}\n\n{{all-args}}{{after-help}}", language.get("cli.heading.usage"));
    let mut command = command
        .about(language.get(path).to_owned())
        .help_template(StyledStr::from(template))
        .subcommand_help_heading(language.get("cli.heading.commands"))
        .disable_help_flag(true)
        .mut_args(|arg| dress_arg(arg, path, language));
    let examples = format!("{path}.examples");
    if language.has(&examples) {
        let heading = language.get("cli.heading.examples");
        command = command.after_help(format!("{heading}\n{}", language.get(&examples)));
    }
    let flag = |name: &'static str, short: char, action: ArgAction| {
        let help = language.get(&format!("cli.help.{name}")).to_owned();
        let heading = language.get("cli.heading.options");
        Arg::new(name).long(name).short(short).action(action).help(help).help_heading(heading)
    };
    if is_root {
        command = command.disable_version_flag(true).arg(flag("version", 'V', ArgAction::Version));
    }
    command = command.arg(flag("help", 'h', ArgAction::Help));
    command.mut_subcommands(|sub| {
        let path = format!("{path}.{}", sub.get_name());
        dress(sub, &path, language, false)
    })
}

fn dress_arg(arg: Arg, path: &str, language: Language) -> Arg {
    let help = language.get(&format!("{path}.{}", arg.get_id())).to_owned();
    let heading = if arg.is_positional() { "cli.heading.arguments" } else { "cli.heading.options" };
    arg.help(help).help_heading(language.get(heading))
}

/// What clap found wrong, as a sentence and what to do next.
#[must_use]
pub fn usage_failure(error: &clap::Error) -> Failure {
    let told = |kind| context(error, kind);
    let argument = told(ContextKind::InvalidArg).unwrap_or_default();
    let value = told(ContextKind::InvalidValue).unwrap_or_default();
    let summary = match error.kind() {
        ErrorKind::UnknownArgument => Text::new("cli.usage.unknown").arg("what", argument),
        ErrorKind::InvalidSubcommand => Text::new("cli.usage.unknown")
            .arg("what", told(ContextKind::InvalidSubcommand).unwrap_or_default()),
        ErrorKind::InvalidValue if value.is_empty() => Text::new("cli.usage.no_value").arg("what", argument),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            Text::new("cli.usage.value").arg("what", argument).arg("value", value)
        }
        ErrorKind::MissingRequiredArgument => Text::new("cli.usage.missing").arg("what", argument),
        ErrorKind::ArgumentConflict => Text::new("cli.usage.twice").arg("what", argument),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Text::new("cli.usage.no_command")
        }
        _ => Text::new("cli.usage.other").arg("what", first_line(error)),
    };
    let suggested =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| told(kind).filter(|suggestion| !suggestion.is_empty()));
    let valid = [ContextKind::ValidValue, ContextKind::ValidSubcommand]
        .into_iter()
        .find_map(|kind| told(kind).filter(|values| !values.is_empty()));
    let hint = match (suggested, valid) {
        (Some(suggested), _) => Text::new("cli.usage.suggest").arg("what", suggested),
        (None, Some(valid)) => Text::new("cli.usage.valid").arg("values", valid),
        (None, None) => Text::new("cli.usage.hint"),
    };
    Failure::new(FailureKind::Input, summary).hint(hint)
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(value) => Some(value.clone()),
        ContextValue::Strings(values) => Some(values.join(", ")),
        ContextValue::StyledStr(value) => Some(value.to_string()),
        ContextValue::Number(value) => Some(value.to_string()),
        _ => None,
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_help(command: &Command, path: &str, language: Language) {
        assert!(language.has(path), "{path} has no sentence");
        for arg in command.get_arguments() {
            let key = format!("{path}.{}", arg.get_id());
            assert!(language.has(&key), "{key} has no sentence");
        }
        for sub in command.get_subcommands() {
            check_help(sub, &format!("{path}.{}", sub.get_name()), language);
        }
    }

    #[test]
    fn every_argument_is_explained_in_every_language() {
        for language in Language::ALL {
            check_help(&Cli::command(), "cli.help", language);
            localised(language).debug_assert();
        }
    }

    fn check_usage(arguments: &[&str], expected: &str) {
        let arguments = std::iter::once("glassworks").chain(arguments.iter().copied());
        let error = localised(Language::English).try_get_matches_from(arguments).expect_err("bad arguments");
        assert!(error.use_stderr());
        let failure = usage_failure(&error);
        let hint = failure.hint.map(|hint| Language::English.render(&hint)).unwrap_or_default();
        let told = format!("{} | {hint}", Language::English.render(&failure.summary));
        assert!(told.contains(expected), "{told} does not contain {expected}");
        assert!(!told.contains('{'), "{told}");
    }

    #[test]
    fn usage_errors_name_what_is_wrong() {
        check_usage(&["generate", "--modle", "x"], "--modle");
        check_usage(&["generate", "--modle", "x"], "--model");
        check_usage(&["generate", "--prompt", "x"], "--model <MODEL>");
        check_usage(&["generate", "--model"], "--model <MODEL>");
        check_usage(&["generate", "--model", "m", "--prompt", "p", "--top-k", "many"], "many");
        check_usage(&["generate", "--model", "m", "--prompt", "p", "--precision", "vague"], "exact, fast");
        check_usage(&["generate", "--model", "m", "--prompt", "p", "--system", "s"], "--chat");
        check_usage(&["generate", "--json", "--json"], "--json");
        check_usage(&["models"], "--help");
        check_usage(&["sing"], "sing");
    }
}
