//! A run as one HTML page that needs nothing else: no network, no script, light and dark by the reader's choice.
//! Every text goes through [`escaped`].

use super::run_file::Exported;
use super::table::{file_size, grouped};
use glassworks_protocol::text::Language;
use glassworks_protocol::train::{
    CheckpointKind, Ending, MethodSpec, MetricPoint, RunRecord, RunStatus, Series, TaskSpec,
};
use std::fmt::Write as _;

/// Points drawn of a curve at most: more than the page is wide.
const MOST_POINTS: usize = 1_200;
/// Width and height of a plot, and the room for its numbers.
const PLOT: (f64, f64) = (720.0, 260.0);
const LEFT: f64 = 56.0;
const BELOW: f64 = 28.0;
/// Lines of the log.
const MOST_LINES: usize = 60;

const STYLE: &str = include_str!("run_report.css");

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
    page.section(&mut html, "runs.report_curves", &page.curves());
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

/// A curve of a plot.
struct Curve {
    name: String,
    class: &'static str,
    /// Step and value.
    points: Vec<(f64, f64)>,
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
        let key = match (self.run.status, progress.ending) {
            (RunStatus::Running, _) => "cli.run.running",
            (RunStatus::Paused, _) => "cli.run.paused",
            (RunStatus::Stopped, _) => "cli.run.stopped",
            (RunStatus::Interrupted, _) => "cli.run.interrupted",
            (RunStatus::Done, Some(Ending::EarlyStop)) => "cli.run.early_stop",
            (RunStatus::Done, Some(Ending::Kept)) => "cli.run.kept",
            (RunStatus::Done, _) => "cli.run.done",
            (RunStatus::Failed, _) => "cli.run.failed",
        };
        let steps = format!("{} / {}", grouped(progress.step), grouped(progress.n_steps));
        format!("{} · {} · {steps}", self.say(key), date(self.run.created_at_ms))
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

    fn curves(&self) -> String {
        let curve = |series: Series, class| {
            let of = self.points.iter().filter(|point| point.series == series);
            let points: Vec<(f64, f64)> = of.map(|point| (point.step as f64, point.value)).collect();
            Curve { name: self.say(series.metric().label), class, points: thinned(points) }
        };
        let losses = vec![curve(Series::TrainLoss, "a"), curve(Series::ValidationLoss, "b")];
        let more = [Series::LearningRate, Series::GradNorm, Series::TokensPerSec];
        let plots = std::iter::once(losses).chain(more.map(|series| vec![curve(series, "a")]));
        plots.map(|curves| self.plot(&curves)).collect()
    }

    /// Lines over the steps, with their names; nothing where nothing was measured.
    fn plot(&self, curves: &[Curve]) -> String {
        let all = || curves.iter().flat_map(|curve| &curve.points);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        all().for_each(|(_, value)| (low, high) = (low.min(*value), high.max(*value)));
        if !low.is_finite() || !high.is_finite() {
            return String::new();
        }
        let last = all().map(|(step, _)| *step).fold(1.0, f64::max);
        let room = ((high - low) * 0.06).max(high.abs() * 1e-3).max(1e-12);
        (low, high) = (low - room, high + room);
        let (width, height) = PLOT;
        let x = |step: f64| LEFT + step / last * (width - LEFT - 8.0);
        let y = |value: f64| 8.0 + (high - value) / (high - low) * (height - BELOW - 8.0);
        let names: Vec<&str> = curves.iter().map(|curve| curve.name.as_str()).collect();
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n",
            escaped(&names.join(", "))
        );
        for i in 0..=4 {
            let value = low + (high - low) * f64::from(i) / 4.0;
            let at = y(value);
            drawn(
                &mut svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
                    width - 8.0
                ),
            );
            drawn(
                &mut svg,
                format_args!(
                    "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    LEFT - 8.0,
                    at + 4.0,
                    number(value)
                ),
            );
            let step = (last * f64::from(i) / 4.0).round();
            drawn(
                &mut svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    x(step).min(width - 24.0),
                    height - 8.0,
                    grouped(step as u64)
                ),
            );
        }
        for curve in curves {
            let path: String = curve
                .points
                .iter()
                .enumerate()
                .map(|(i, (step, value))| {
                    format!("{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, x(*step), y(*value))
                })
                .collect();
            drawn(&mut svg, format_args!("<path class=\"{}\" d=\"{path}\"/>", curve.class));
            if curve.class == "b" {
                for (step, value) in &curve.points {
                    drawn(
                        &mut svg,
                        format_args!(
                            "<circle class=\"b\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                            x(*step),
                            y(*value)
                        ),
                    );
                }
            }
        }
        svg.push_str("</svg>\n");
        let legend: String = curves
            .iter()
            .filter(|curve| !curve.points.is_empty())
            .map(|curve| format!("<span class=\"key {}\">{}</span> ", curve.class, escaped(&curve.name)))
            .collect();
        format!("<figure>\n<figcaption>{}</figcaption>\n{svg}</figure>\n", legend.trim_end())
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

/// At most [`MOST_POINTS`], the first and the last among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let stride = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = |i: usize| i.is_multiple_of(stride) || i == last;
    points.into_iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, point)| point).collect()
}

fn drawn(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _infallible = writeln!(svg, "{element}");
}

/// Short enough for an axis.
fn number(value: f64) -> String {
    match value.abs() {
        x if x >= 1000.0 => grouped(value.max(0.0) as u64),
        x if x >= 0.01 => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.1e}"),
    }
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
    use glassworks_protocol::train::{CheckpointRecord, RunProgress, TrainSpec};
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
        for language in Language::ALL {
            let exported = Exported { run: &run, points: &points, checkpoints: &checkpoints, log: EVIL };
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
            ];
            assert!(names.iter().all(|name| known.contains(&name.as_str())), "{names:?}");
            assert!(!html.contains('\u{1b}') && html.contains("&lt;script&gt;"));
            // Name (twice), tag, notes, model, both hashes, file, row, its reason, the recipe and the log.
            assert!(html.matches("&lt;script&gt;").count() >= 12);
            assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("url("));
            assert!(html.len() < 100_000, "curves are thinned: {}", html.len());
        }
    }

    #[test]
    fn a_run_of_which_nothing_was_measured_has_a_page() {
        let run = run();
        let exported = Exported { run: &run, points: &[], checkpoints: &[], log: "" };
        let names = elements(&page(Language::English, &exported));
        assert!(!names.iter().any(|name| name == "svg" || name == "figure"));
    }

    #[test]
    fn curves_keep_their_ends() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 0.0)).collect();
        let thin = thinned(points);
        assert!(thin.len() <= MOST_POINTS + 1);
        assert_eq!((thin[0].0, thin[thin.len() - 1].0), (0.0, 9_999.0));
    }
}
