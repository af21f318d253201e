//! A run as one HTML page that needs nothing else: no network, no script, light and dark by the reader's choice.
//! Every text goes through [`escaped`].

mod curves;
mod looks;

use super::run_file::Exported;
use super::runs::state_key;
use super::table::{file_size, grouped};
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{CheckpointKind, MethodSpec, MetricPoint, RunRecord, TaskSpec};

/// Lines of the log.
const MOST_LINES: usize = 60;

const STYLE: &str = include_str!("style.css");

/// The whole page.
#[must_use]
pub fn page(language: Language, exported: &Exported<'_>) -> String {
    let page = Page { language, run: exported.run, points: exported.points };
    let run = exported.run;
    let mut html = String::with_capacity(64 << 10);
    let title = escaped(&run.name);
    html.push_str(&format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        match language {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    ));
    html.push_str(&format!("<h1>{title}</h1>\n<p class=\"state\">{}</p>\n", escaped(&page.state())));
    if !run.tags.is_empty() {
        let tags: String =
            run.tags.iter().map(|tag| format!("<span class=\"tag\">{}</span> ", escaped(tag))).collect();
        html.push_str(&format!("<p>{}</p>\n", tags.trim_end()));
    }
    if !run.notes.trim().is_empty() {
        html.push_str(&format!("<p class=\"notes\">{}</p>\n", escaped(run.notes.trim())));
    }
    if let Some(failure) = &run.progress.failure {
        html.push_str(&format!("<p class=\"failed\">{}</p>\n", escaped(&language.render(&failure.summary))));
    }
    page.section(&mut html, "runs.report_results", &page.table(&page.results()));
    page.section(&mut html, "runs.labels", &page.labels());
    page.section(&mut html, "runs.report_curves", &page.curves());
    page.section(&mut html, "runs.samples", &page.samples(exported.samples));
    page.section(&mut html, "runs.worst_rows", &page.worst(exported.worst));
    page.section(&mut html, "runs.report_setup", &page.table(&page.setup()));
    page.section(&mut html, "runs.kept", &page.checkpoints(exported));
    page.section(&mut html, "runs.report_left_out", &page.left_out());
    let recipe = run.spec.recipe(&run.progress.model_name);
    page.section(&mut html, "runs.recipe", &format!("<pre>{}</pre>\n", escaped(recipe.trim_end())));
    page.section(&mut html, "runs.report_log", &log(exported.log));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

struct Page<'a> {
    language: Language,
    run: &'a RunRecord,
    points: &'a [MetricPoint],
}

impl Page<'_> {
    fn say(&self, key: &str) -> String {
        self.language.get(key).to_owned()
    }

    /// A heading with what belongs to it; nothing for nothing.
    fn section(&self, html: &mut String, key: &str, body: &str) {
        if !body.is_empty() {
            html.push_str(&format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escaped(&self.say(key))));
        }
    }

    fn table(&self, rows: &[(&str, String)]) -> String {
        let row = |(key, value): &(&str, String)| {
            format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(&self.say(key)), escaped(value))
        };
        let rows: String = rows.iter().filter(|(_, value)| !value.is_empty()).map(row).collect();
        if rows.is_empty() { String::new() } else { format!("<table>\n{rows}</table>\n") }
    }

    fn state(&self) -> String {
        let progress = &self.run.progress;
        let steps = format!("{} / {}", grouped(progress.step), grouped(progress.n_steps));
        format!("{} · {} · {steps}", self.say(state_key(self.run)), date(self.run.created_at_ms))
    }

    fn results(&self) -> Vec<(&'static str, String)> {
        let progress = &self.run.progress;
        let loss = |loss: Option<f64>| loss.map_or_else(String::new, |loss| format!("{loss:.4}"));
        let best = match (progress.best_loss, progress.best_step) {
            (Some(best), Some(step)) => {
                let step = self.language.format("runs.card_step", &[("n", &grouped(step))]);
                format!("{best:.4} ({step})")
            }
            (best, _) => loss(best),
        };
        vec![
            ("cli.column.loss_first", loss(progress.first_validation_loss)),
            ("cli.column.loss_best", best),
            ("cli.column.loss_train", loss(progress.train_loss)),
            ("train.metric.tokens", grouped(progress.n_tokens)),
            ("runs.took", secs(progress.train_secs)),
            ("cli.column.speed", format!("{:.1}", progress.tokens_per_sec)),
            ("cli.column.memory", file_size(progress.peak_bytes)),
        ]
    }

    fn setup(&self) -> Vec<(&'static str, String)> {
        let (spec, progress) = (&self.run.spec, &self.run.progress);
        let data = &progress.data;
        let files: Vec<String> = spec
            .data
            .files
            .iter()
            .map(|file| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned())
            .collect();
        let goal = match spec.task {
            TaskSpec::Chat => "finetune.goal_chat",
            TaskSpec::Text => "finetune.goal_text",
            TaskSpec::Classification(_) => "finetune.goal_classification",
            TaskSpec::Scratch(_) => "finetune.goal_scratch",
        };
        let method = match &spec.method {
            MethodSpec::Lora(lora) => format!("LoRA r{}, α {}", lora.rank, lora.alpha),
            MethodSpec::Full(_) => self.say("runs.full_tuning"),
        };
        vec![
            ("cli.column.model", progress.model_name.clone()),
            ("runs.report_base_hash", progress.base_hash.clone()),
            ("finetune.goal", self.say(goal)),
            ("runs.report_method", method),
            ("cli.column.trained", grouped(progress.n_trained)),
            ("runs.report_files", files.join(", ")),
            ("cli.column.rows", format!("{} + {}", grouped(data.n_train), grouped(data.n_validation))),
            ("runs.report_data_hash", data.hash.clone()),
        ]
    }

    fn checkpoints(&self, exported: &Exported<'_>) -> String {
        let row = |record: &std::sync::Arc<glassworks_protocol::train::CheckpointRecord>| {
            let kind = match record.kind {
                CheckpointKind::Last => "runs.kept_last",
                CheckpointKind::Best => "runs.kept_best",
                CheckpointKind::Step(_) => "runs.kept_stays",
            };
            let loss = record.validation_loss.map_or_else(|| "–".to_owned(), |loss| format!("{loss:.4}"));
            let cells = [
                self.language.format("runs.card_step", &[("n", &grouped(record.step))]),
                loss,
                file_size(record.size_bytes),
                date(record.at_ms),
            ];
            let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            format!("<tr><th>{}</th>{cells}</tr>\n", escaped(&self.say(kind)))
        };
        let rows: String = exported.checkpoints.iter().map(row).collect();
        if rows.is_empty() { String::new() } else { format!("<table>\n{rows}</table>\n") }
    }

    /// Rows of the data that were not used, or cut.
    fn left_out(&self) -> String {
        let row = |problem: &glassworks_protocol::dataset::RowProblem| {
            let file = problem.file.file_name().unwrap_or(problem.file.as_os_str()).to_string_lossy();
            let place = format!("{file}:{}", problem.row);
            let reason = self.language.render(&problem.reason);
            format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(&place), escaped(&reason))
        };
        let rows: String = self.run.progress.data.problems.iter().map(row).collect();
        if rows.is_empty() { String::new() } else { format!("<table>\n{rows}</table>\n") }
    }
}

fn log(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(MOST_LINES)..];
    if tail.is_empty() { String::new() } else { format!("<pre>{}</pre>\n", escaped(&tail.join("\n"))) }
}

fn secs(secs: f64) -> String {
    let whole = secs.round() as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

fn date(ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Text that HTML reads as text, inside elements and quoted attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML knows no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use glassworks_protocol::dataset::RowProblem;
    use glassworks_protocol::ids::RunId;
    use glassworks_protocol::text::Text;
    use glassworks_protocol::train::{
        CheckpointRecord, ClassTally, ConfusionMatrix, HeldOutRow, RowLoss, RunProgress, RunSample,
        RunStatus, Series, TrainSpec, WorstRows,
    };
    use std::sync::Arc;

    const EVIL: &str = "<script>alert('x')</script>\"&\u{1b}";

    fn run() -> RunRecord {
        let mut progress = RunProgress {
            model_name: EVIL.to_owned(),
            base_hash: EVIL.to_owned(),
            step: 3,
            n_steps: 10,
            best_loss: Some(1.5),
            best_step: Some(2),
            ..RunProgress::default()
        };
        progress.data.hash = EVIL.to_owned();
        let mut confusion = ConfusionMatrix::new(vec!["good".to_owned(), EVIL.to_owned()]);
        [(0, 0), (0, 0), (0, 1), (1, 1)].into_iter().for_each(|(own, found)| confusion.add(own, found));
        progress.best_classes = Some(ClassTally { step: 2, confusion });
        progress.data.problems.push(RowProblem {
            file: format!("/data/{EVIL}").into(),
            row: 7,
            reason: Text::new("failure.run_gone").arg("name", EVIL),
        });
        let mut spec = TrainSpec { name: EVIL.to_owned(), ..TrainSpec::default() };
        spec.data.files.push(format!("/data/{EVIL}").into());
        RunRecord {
            id: RunId::mint(),
            name: EVIL.to_owned(),
            spec,
            status: RunStatus::Done,
            progress,
            folder: "/runs/1".into(),
            created_at_ms: 0,
            changed_at_ms: 0,
            tags: vec![EVIL.to_owned()],
            notes: EVIL.to_owned(),
            trashed_at_ms: None,
        }
    }

    fn points() -> Vec<MetricPoint> {
        let point = |series, step, value| MetricPoint { series, step, value, at_ms: 0 };
        let train = (1..=5_000).map(|step| point(Series::TrainLoss, step, 3.0 - step as f64 / 2_000.0));
        train.chain((0..=10).map(|i| point(Series::ValidationLoss, i * 500, 2.9))).collect()
    }

    /// Every element of a page by its name, opened and closed; panics when they do not nest.
    fn elements(page: &str) -> Vec<String> {
        const VOID: [&str; 4] = ["!doctype", "meta", "line", "circle"];
        let (mut all, mut open) = (Vec::new(), Vec::new());
        let mut rest = page;
        while let Some(at) = rest.find('<') {
            let end = rest[at..].find('>').expect("a tag ends") + at;
            let tag = &rest[at + 1..end];
            assert!(!tag.contains('<'), "{tag}");
            rest = &rest[end + 1..];
            let name = tag.trim_end_matches('/').split_whitespace().next().unwrap_or_default().to_owned();
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(closed), "elements nest");
                continue;
            }
            all.push(name.clone());
            if !tag.ends_with('/') && !VOID.contains(&name.as_str()) && name != "path" {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        all
    }

    #[test]
    fn what_people_wrote_stays_text() {
        let (run, points) = (run(), points());
        let checkpoints = [Arc::new(CheckpointRecord {
            run: run.id,
            kind: CheckpointKind::Best,
            step: 2,
            validation_loss: None,
            path: EVIL.into(),
            size_bytes: 1,
            at_ms: 0,
        })];
        let sample = |step: u64, text: String| {
            let (run, prompt) = (run.id, EVIL.to_owned());
            Arc::new(RunSample { run, step, n: 0, prompt, text, ended: step > 0 })
        };
        let samples = [sample(0, EVIL.to_owned()), sample(3, format!("{EVIL}{}", "word ".repeat(80)))];
        let row = HeldOutRow { file: format!("/data/{EVIL}").into(), row: 7, start: EVIL.to_owned() };
        let worst =
            WorstRows { step: 3, n_rows: 40, rows: vec![RowLoss { row, loss: 2.5, first_loss: Some(3.75) }] };
        for language in Language::ALL {
            let exported = Exported {
                run: &run,
                points: &points,
                checkpoints: &checkpoints,
                samples: &samples,
                worst: Some(&worst),
                log: EVIL,
            };
            let html = page(language, &exported);
            let names = elements(&html);
            let known = [
                "!doctype",
                "html",
                "head",
                "meta",
                "title",
                "style",
                "body",
                "main",
                "h1",
                "h2",
                "p",
                "span",
                "section",
                "table",
                "tr",
                "th",
                "td",
                "figure",
                "figcaption",
                "svg",
                "line",
                "text",
                "path",
                "circle",
                "pre",
                "div",
                "details",
                "summary",
                "em",
            ];
            assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
            assert!(!html.contains('\u{1b}') && html.contains("&lt;script&gt;"));
            // Name (twice), tag, notes, model, both hashes, file, row, its reason, the recipe and the log; a prompt,
            // two texts, one of them folded and so there twice; a worst row; a label three times.
            assert_eq!(html.matches("&lt;script&gt;").count(), 12 + 4 + 1 + 3);
            assert_eq!(names.iter().filter(|name| *name == "details").count(), 1, "what is long is folded");
            assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("url("));
            assert!(html.len() < 100_000, "curves are thinned: {}", html.len());
        }
    }

    /// The cells of a page's tables, row by row, as a browser would show them.
    fn rows(page: &str) -> Vec<Vec<String>> {
        let cell = |cell: &str| {
            let (_, inside) = cell.split_once('>').expect("it begins");
            let mut text = String::new();
            for (i, part) in inside.split('<').enumerate() {
                text.push_str(if i == 0 { part } else { part.split_once('>').expect("a tag").1 });
            }
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
        };
        let row = |row: &str| {
            let row = row.split("</tr>").next().expect("it ends");
            let cells = row.replace("<th", "<td").replace("</th>", "</td>");
            cells
                .split("<td")
                .skip(1)
                .map(|part| cell(part.split("</td>").next().expect("it ends")))
                .collect()
        };
        page.split("<tr>").skip(1).map(row).collect()
    }

    #[test]
    fn what_evaluations_left_is_there_to_read() {
        let run = run();
        let sample = |step: u64, n: u32| {
            let (prompt, text) = (format!("Question {n}"), format!("Answer {n} at {step}"));
            Arc::new(RunSample { run: run.id, step, n, prompt, text, ended: true })
        };
        let samples: Vec<_> = (0..40).flat_map(|i| [sample(i * 5, 0), sample(i * 5, 1)]).collect();
        let row = |row: u64, loss: f32, first_loss| RowLoss {
            row: HeldOutRow { file: "/data/rows.jsonl".into(), row, start: format!("Row {row}") },
            loss,
            first_loss,
        };
        let worst =
            WorstRows { step: 195, n_rows: 9, rows: vec![row(4, 3.25, Some(4.0)), row(2, 1.5, None)] };
        let exported = Exported {
            run: &run,
            points: &[],
            checkpoints: &[],
            samples: &samples,
            worst: Some(&worst),
            log: "",
        };
        let html = page(Language::English, &exported);
        let rows = rows(&html);
        let has = |cells: &[&str]| assert!(rows.iter().any(|row| row == cells), "{cells:?} in {rows:?}");
        has(&["step 0", "Answer 0 at 0"]);
        has(&["step 195", "Answer 1 at 195"]);
        assert_eq!(
            rows.iter()
                .filter(|row| row.len() == 2 && row[1].starts_with("Answer ") && row[1].contains(" at "))
                .count(),
            2 * 12
        );
        assert!(html.contains("12 of 40 evaluations") && html.contains("9 held-out rows"));
        has(&["3.250", "−0.750", "rows.jsonl:4", "Row 4"]);
        has(&["1.500", "", "rows.jsonl:2", "Row 2"]);
        // Labels: a matrix, and a line each.
        has(&["good", "2", "1"]);
        has(&["good", "1.000", "0.667", "0.800", "3"]);
    }

    #[test]
    fn a_run_of_which_nothing_was_measured_has_a_page() {
        let run = run();
        let exported =
            Exported { run: &run, points: &[], checkpoints: &[], samples: &[], worst: None, log: "" };
        let names = elements(&page(Language::English, &exported));
        assert!(!names.iter().any(|name| name == "svg" || name == "figure" || name == "details"));
    }
}
