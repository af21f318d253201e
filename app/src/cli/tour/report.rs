//! What stays of the tour to read: `report.md` with the numbers, `reply.json` with every token.

use super::{Findings, cannot_write, plots, tuning};
use crate::cli::table::{file_size, grouped, parameters};
use glassworks_protocol::Failure;
use glassworks_protocol::text::Language;
use std::path::Path;

pub const FILE: &str = "report.md";
const REPLY: &str = "reply.json";

/// Writes both into `folder`.
///
/// # Errors
/// When one of them cannot be written.
pub fn write(language: Language, findings: &Findings, folder: &Path) -> Result<(), Failure> {
    let reply = serde_json::json!({
        "model": { "name": findings.model.name, "content_hash": findings.model.card.content_hash },
        "prompt": findings.prompt,
        "sampling": findings.sampling,
        "reply": &*findings.reply,
    });
    save(&folder.join(REPLY), &format!("{reply:#}\n"))?;
    save(&folder.join(FILE), &report(language, findings))
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn report(language: Language, findings: &Findings) -> String {
    let say = |key: &'static str| language.get(key);
    let mut page = format!("# {}\n\n{}\n", say("cli.tour.title"), say("cli.tour.intro"));
    let section = |page: &mut String, key: &'static str, body: &str| {
        page.push_str(&format!("\n## {}\n\n{}\n", say(key), body.trim_end()));
    };
    section(&mut page, "cli.tour.section_model", &rows(language, &model_rows(language, findings)));
    let text = quoted(&format!("**{}**{}", escaped(&findings.prompt), escaped(&findings.reply.text)));
    let plot = format!("![{}]({})", say("cli.tour.plot_bits"), plots::SURPRISAL);
    let written = rows(language, &reply_rows(findings));
    section(
        &mut page,
        "cli.tour.section_reply",
        &format!("{text}\n{written}\n{plot}\n\n{}", say("cli.tour.about_reply")),
    );
    let kept = language.format("cli.tour.about_kept", &[("n", &findings.n_messages)]);
    section(&mut page, "cli.tour.section_kept", &kept);
    let picture = format!("![{}]({})", say("cli.tour.plot_reading"), plots::ATTENTION);
    let inside = rows(language, &inside_rows(findings));
    section(
        &mut page,
        "cli.tour.section_inside",
        &format!("{picture}\n\n{inside}\n{}", say("cli.tour.about_inside")),
    );
    let losses = format!("![{}]({})", say("cli.tour.plot_losses"), tuning::PLOT);
    let tuned = rows(language, &tuned_rows(findings));
    section(
        &mut page,
        "cli.tour.section_tuned",
        &format!("{losses}\n\n{tuned}\n{}", say("cli.tour.about_tuned")),
    );
    let secs = format!("{:.1}", findings.started.elapsed().as_secs_f32());
    let took = language.format("cli.tour.took", &[("secs", &secs)]);
    format!("{page}\n{took}\n")
}

/// A table of a key's sentence and a value.
fn rows(language: Language, rows: &[(&'static str, String)]) -> String {
    let mut table = String::from("| | |\n|---|---|\n");
    for (key, value) in rows {
        table.push_str(&format!("| {} | {} |\n", language.get(key), value.replace('|', "\\|")));
    }
    table
}

fn model_rows(language: Language, findings: &Findings) -> Vec<(&'static str, String)> {
    let card = &findings.model.card;
    let mut rows = vec![
        ("cli.column.name", findings.model.name.clone()),
        ("cli.column.architecture", card.architecture.clone()),
        ("cli.column.parameters", parameters(card.n_params)),
        ("cli.column.size", file_size(card.size_bytes)),
        ("cli.column.context", grouped(card.context_length.into())),
    ];
    if let Some(description) = &card.description {
        rows.push(("cli.column.description", description.clone()));
    }
    let license = card.license.clone().unwrap_or_else(|| language.get("cli.not_stated").to_owned());
    rows.push(("cli.column.license", license));
    rows
}

fn reply_rows(findings: &Findings) -> Vec<(&'static str, String)> {
    let stats = &findings.reply.stats;
    let n = findings.reply.tokens.len().max(1) as f32;
    let bits: f32 = findings.reply.tokens.iter().map(|token| token.surprisal_bits()).sum();
    vec![
        ("cli.tour.row_prompt_tokens", grouped(stats.n_prompt.into())),
        ("cli.tour.row_new_tokens", grouped(stats.n_new.into())),
        ("cli.tour.row_first_token", format!("{:.3} s", stats.first_token_secs)),
        ("cli.tour.row_speed", format!("{:.1}", stats.tokens_per_sec)),
        ("cli.tour.row_surprisal", format!("{:.2}", bits / n)),
        ("cli.tour.row_seed", stats.seed.to_string()),
    ]
}

fn inside_rows(findings: &Findings) -> Vec<(&'static str, String)> {
    let (seen, inside) = (&findings.seen, &findings.inside);
    let mut rows = vec![
        ("cli.tour.row_layers", format!("{} × {}", inside.n_layers, inside.n_heads)),
        ("cli.tour.row_tokens", inside.tokens.len().to_string()),
        ("cli.tour.row_rows", format!("{:.1e}", seen.worst_row)),
    ];
    if let Some(worst) = seen.worst_logprob {
        rows.push(("cli.tour.row_cache", format!("{worst:.1e} ({})", seen.n_compared)));
    }
    rows.push(("cli.tour.row_file", format!("`inside.safetensors`, {}", file_size(inside.size_bytes))));
    rows
}

fn tuned_rows(findings: &Findings) -> Vec<(&'static str, String)> {
    let tuned = &findings.tuned;
    let progress = &tuned.run.progress;
    let loss = |loss: Option<f64>| loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
    vec![
        ("cli.column.steps", grouped(progress.step)),
        ("cli.column.trained", grouped(progress.n_trained)),
        ("cli.column.loss_first", loss(progress.first_validation_loss)),
        ("cli.column.loss_best", loss(progress.best_loss)),
        ("cli.column.speed", format!("{:.0}", progress.tokens_per_sec)),
        ("cli.tour.row_question", escaped(&tuned.question)),
        ("cli.tour.row_before", escaped(&tuned.before.replace('\n', " "))),
        ("cli.tour.row_after", escaped(&tuned.after.replace('\n', " "))),
    ]
}

/// As a quotation, line for line.
fn quoted(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("> {line}\n")).collect()
}

/// What Markdown would read as its own is shown as it is.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '<' | '>' | '#' | '[' | ']' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_wrote_stays_text() {
        assert_eq!(escaped("a *b* <c>"), "a \\*b\\* \\<c\\>");
        assert_eq!(quoted("a\n\nb"), "> a\n> \n> b\n");
    }
}
