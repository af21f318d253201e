//! `glassworks generate`: a prompt in, text or JSON lines out, as the model writes them.

use super::Cx;
use super::args::GenerateArgs;
use super::meter::Meter;
use super::out::{self, Out, Stop};
use super::session::Session;
use super::source;
use super::table::grouped;
use glassworks_engine::Mode;
use glassworks_protocol::chat::{TemplateOptions, TemplateSource, Turn};
use glassworks_protocol::generate::{
    FinishReason, GenerateSpec, Overflow, Prompt, Reply, ReplyStats, TokenPiece,
};
use glassworks_protocol::model::Precision;
use glassworks_protocol::text::Text;
use glassworks_protocol::train::AdapterSource;
use glassworks_protocol::{Failure, FailureKind, JobOutput, JobSpec, Partial};
use serde::Serialize;
use std::io::Read as _;
use std::time::Instant;

pub fn run(cx: &Cx, args: &GenerateArgs) -> Result<(), Stop> {
    let prompt = prompt(args)?;
    let session = Session::open(cx, &cx.home, Mode::Reader)?;
    let model = source::find(&session, &args.model)?;
    let spec = GenerateSpec {
        model: model.source.clone(),
        adapter: args
            .adapter
            .as_ref()
            .map(|path| AdapterSource { path: path.clone(), strength: args.strength.unwrap_or(1.0) }),
        tuned: None,
        prompt,
        sampling: args.sampling.spec()?,
        precision: args.precision.into(),
        cache: args.cache.into(),
        overflow: Overflow::Refuse,
        keep: None,
    };
    let mut printer = Printer::new(args.json);
    let meter = Meter::new(cx);
    let result = session.run(JobSpec::Generate(Box::new(spec)), &meter, &mut |news| {
        match news {
            Partial::PromptRead { n_prompt, n_reused, .. } => {
                meter.clear();
                printer.prompt_read(n_prompt, n_reused);
            }
            Partial::Metrics(_)
            | Partial::Samples(_)
            | Partial::Bench(_)
            | Partial::Found(_)
            | Partial::Inside(_) => {}
            Partial::Tokens { first, pieces } => {
                meter.clear();
                printer.hint(first, &pieces)?;
            }
        }
        Ok(())
    });
    match result {
        Ok(JobOutput::Replied(reply)) => {
            printer.rest(&reply.tokens)?;
            printer.end(cx, &reply)
        }
        Ok(_) => Ok(()),
        Err(Stop::Interrupted) => {
            printer.interrupted(args.precision.into())?;
            Err(Stop::Interrupted)
        }
        Err(stop) => {
            printer.break_line()?;
            Err(stop)
        }
    }
}

fn prompt(args: &GenerateArgs) -> Result<Prompt, Stop> {
    let text = super::generate::text(&args.prompt)?;
    if !args.chat {
        return Ok(Prompt::Text(text));
    }
    let system = args.system.as_deref().map(|system| Turn::new("system", system));
    let turns = system.into_iter().chain([Turn::new("user", text)]).collect();
    Ok(Prompt::Chat { turns, template: TemplateOptions::default() })
}

/// What `--prompt` says; `-` is everything on standard input, to the byte.
///
/// # Errors
/// `Failure { Input }` when standard input is no text.
pub fn text(asked: &str) -> Result<String, Failure> {
    if asked != "-" {
        return Ok(asked.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(|error| {
        Failure::new(FailureKind::Input, Text::new("cli.stdin"))
            .hint(Text::new("cli.stdin_hint"))
            .detail(error.to_string())
    })?;
    Ok(text)
}

/// Prints each token once and in order, whatever hints were missed.
struct Printer {
    out: Out,
    json: bool,
    /// How many tokens have been printed.
    n_printed: usize,
    /// Whether the text so far ends in the middle of a line.
    in_line: bool,
    n_prompt: u32,
    n_reused: u32,
    started: Instant,
    first: Option<Instant>,
}

/// A line of `--json`.
#[derive(Serialize)]
struct TokenLine<'a> {
    token: u32,
    text: &'a str,
    logprob: f32,
}

/// The last line of `--json`.
#[derive(Serialize)]
struct EndLine<'a> {
    finish: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_string: Option<&'a str>,
    n_prompt: u32,
    n_new: u32,
    n_reused: u32,
    first_token_secs: Option<f32>,
    tokens_per_sec: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_used: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<u32>,
    precision: &'static str,
    /// Where the chat template came from, for `--chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a str>,
}

impl Printer {
    fn new(json: bool) -> Self {
        Self {
            out: Out::new(),
            json,
            n_printed: 0,
            in_line: false,
            n_prompt: 0,
            n_reused: 0,
            started: Instant::now(),
            first: None,
        }
    }

    fn prompt_read(&mut self, n_prompt: u32, n_reused: u32) {
        (self.n_prompt, self.n_reused) = (n_prompt, n_reused);
    }

    /// Tokens that may overlap what was printed, or lie beyond a gap: those wait for the end.
    fn hint(&mut self, first: u32, pieces: &[TokenPiece]) -> Result<(), Stop> {
        match self.n_printed.checked_sub(first as usize) {
            Some(known) if known < pieces.len() => self.print(&pieces[known..]),
            _ => Ok(()),
        }
    }

    /// Whatever of the whole reply has not been printed yet.
    fn rest(&mut self, tokens: &[TokenPiece]) -> Result<(), Stop> {
        let known = self.n_printed.min(tokens.len());
        self.print(&tokens[known..])
    }

    fn print(&mut self, pieces: &[TokenPiece]) -> Result<(), Stop> {
        self.first.get_or_insert_with(Instant::now);
        self.n_printed += pieces.len();
        if self.json {
            let mut lines = pieces.iter().map(|piece| TokenLine {
                token: piece.id,
                text: &piece.text,
                logprob: piece.logprob,
            });
            return lines.try_for_each(|line| self.out.json(&line));
        }
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        if let Some(last) = text.chars().next_back() {
            self.in_line = last != '\n';
        }
        self.out.text(&text)
    }

    /// Ends the line that plain text stands in.
    fn break_line(&mut self) -> Result<(), Stop> {
        if self.json || !std::mem::take(&mut self.in_line) {
            return Ok(());
        }
        self.out.text("\n")
    }

    fn end(&mut self, cx: &Cx, reply: &Reply) -> Result<(), Stop> {
        let stats = &reply.stats;
        if self.json {
            return self.out.json(&end_line(stats));
        }
        // Always exactly one, so that a script can cut it off again.
        self.out.text("\n")?;
        if out::is_watched() {
            out::note(&statistics(cx, stats));
        }
        Ok(())
    }

    /// After Ctrl+C the job carries no statistics: those that were seen from here.
    fn interrupted(&mut self, precision: Precision) -> Result<(), Stop> {
        if !self.json {
            return self.break_line();
        }
        let n_new = u32::try_from(self.n_printed).unwrap_or(u32::MAX);
        let secs = self.first.map_or(0.0, |first| first.elapsed().as_secs_f32());
        let line = EndLine {
            finish: "cancelled",
            stop_string: None,
            n_prompt: self.n_prompt,
            n_new,
            n_reused: self.n_reused,
            first_token_secs: self.first.map(|first| first.duration_since(self.started).as_secs_f32()),
            tokens_per_sec: if n_new > 1 && secs > 0.0 { (n_new - 1) as f32 / secs } else { 0.0 },
            seed: None,
            context_used: None,
            context_length: None,
            precision: precision_name(precision),
            template: None,
        };
        self.out.json(&line)
    }
}

fn end_line(stats: &ReplyStats) -> EndLine<'_> {
    EndLine {
        finish: finish_name(&stats.finish),
        stop_string: match &stats.finish {
            FinishReason::StopString(stop) => Some(stop),
            _ => None,
        },
        n_prompt: stats.n_prompt,
        n_new: stats.n_new,
        n_reused: stats.n_reused,
        first_token_secs: Some(stats.first_token_secs),
        tokens_per_sec: stats.tokens_per_sec,
        seed: Some(stats.seed),
        context_used: Some(stats.context_used),
        context_length: Some(stats.context_length),
        precision: precision_name(stats.precision),
        template: stats.template.as_ref().map(|template| match template {
            TemplateSource::Model(name) | TemplateSource::Fallback(name) => name.as_str(),
        }),
    }
}

/// How a reply ended, as scripts read it.
#[must_use]
pub fn finish_name(finish: &FinishReason) -> &'static str {
    match finish {
        FinishReason::EndOfText => "end_of_text",
        FinishReason::StopString(_) => "stop_string",
        FinishReason::Length => "length",
        FinishReason::ContextFull => "context_full",
        FinishReason::Cancelled => "cancelled",
    }
}

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact => "exact",
        Precision::Fast => "fast",
    }
}

fn statistics(cx: &Cx, stats: &ReplyStats) -> String {
    let finish = match stats.finish {
        FinishReason::EndOfText => "cli.finish.end_of_text",
        FinishReason::StopString(_) => "cli.finish.stop_string",
        FinishReason::Length => "cli.finish.length",
        FinishReason::ContextFull => "cli.finish.context_full",
        FinishReason::Cancelled => "cli.finish.cancelled",
    };
    cx.language.format(
        "cli.statistics",
        &[
            ("n_prompt", &grouped(stats.n_prompt.into())),
            ("n_new", &grouped(stats.n_new.into())),
            ("first", &format!("{:.2}", stats.first_token_secs)),
            ("speed", &format!("{:.1}", stats.tokens_per_sec)),
            ("seed", &stats.seed),
            ("finish", &cx.say(finish)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(id: u32) -> TokenPiece {
        TokenPiece {
            id,
            text: String::new(),
            logprob: 0.0,
            sampled_prob: 1.0,
            rank: 0,
            entropy: 0.0,
            top: Vec::new(),
        }
    }

    /// Hints as (first, length); how many tokens are printed after each.
    fn check(hints: &[(u32, u32)], expected: &[usize]) {
        let mut printer = Printer::new(false);
        for ((first, n), printed) in hints.iter().zip(expected) {
            let pieces: Vec<TokenPiece> = (*first..first + n).map(piece).collect();
            assert!(printer.hint(*first, &pieces).is_ok());
            assert_eq!(printer.n_printed, *printed, "{hints:?}");
        }
    }

    #[test]
    fn hints_print_each_token_once_and_wait_at_a_gap() {
        check(&[(0, 3), (3, 2)], &[3, 5]);
        check(&[(0, 3), (1, 4), (0, 2)], &[3, 5, 5]);
        check(&[(0, 2), (4, 2), (2, 3)], &[2, 2, 5]);
        check(&[(2, 2)], &[0]);
    }
}
