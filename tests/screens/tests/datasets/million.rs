//! A million rows: only those in sight are fetched and drawn, the last is as near as the first.

use super::fake::{Fake, column};
use super::{WIDE, selected};
use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use glassworks_protocol::datasets::view::FoundRows;
use glassworks_protocol::datasets::{
    ColumnKind, DatasetJob, DatasetOutput, DatasetPage, DatasetQuery, RowDocument, RowFlags, RowId, RowLine,
    Split,
};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Command, Event, JobOutput, JobSpec, Outcome, Page, Query};
use glassworks_tests_screens::{NodeT, Queryable, Window};
use std::sync::Arc;
use std::time::Instant;

const N: u32 = 1_000_000;

fn line(id: RowId) -> RowLine {
    let n = id.0;
    RowLine {
        id,
        split: Some(Split::ALL[n as usize % 3]),
        cells: vec![
            format!("Question {n}: why does the moon follow our car wherever we go, and what of the stars?"),
            format!("Answer {n}: hold up your thumb and walk a few steps. 它其实离我们很远。"),
        ],
        turns: None,
        flags: if n.is_multiple_of(7) { RowFlags::CONTROL } else { RowFlags::default() },
        made: None,
        n_chars: 90 + n % 700,
        tokens: None,
    }
}

fn document(id: RowId) -> RowDocument {
    let value = super::fake::row(serde_json::json!({ "question": "Why?", "answer": "So" }));
    RowDocument {
        id,
        position: u64::from(id.0),
        split: None,
        value,
        flags: RowFlags::default(),
        issues: Vec::new(),
        made: None,
    }
}

/// An engine with a million rows, and how many lines it has given.
struct Million {
    fake: Fake,
    all: Arc<Vec<RowId>>,
    n_given: usize,
    n_asked: usize,
}

impl Million {
    fn open() -> (Self, Window) {
        let mut fake = Fake::new();
        let columns = vec![column("question", ColumnKind::Text), column("answer", ColumnKind::Text)];
        let id = fake.add("A million", columns, Vec::new());
        let record = &mut fake.set(id).record;
        record.n_rows = u64::from(N);
        record.n_by_split = [u64::from(N) - 2000, 1000, 1000, 0];
        let kept = serde_json::json!({ "slots": ["datasets"], "panes": { "0/datasets": { "open": id } } });
        fake.start.settings.layout = Some(kept);
        fake.start.settings.language = Some(Language::English);
        fake.start.settings.theme = ThemeChoice::Dark;
        let mut window = Window::sized(fake.start.clone(), WIDE.0, WIDE.1, 1.0);
        let all = Arc::new((0..N).map(RowId).collect());
        let mut million = Self { fake, all, n_given: 0, n_asked: 0 };
        million.answer(&mut window);
        (million, window)
    }

    fn answer(&mut self, window: &mut Window) {
        for _ in 0..12 {
            let commands = window.commands();
            if commands.is_empty() {
                return;
            }
            for command in commands {
                match command {
                    Command::Start(job, JobSpec::Dataset(DatasetJob::Find(spec))) => {
                        let found = FoundRows {
                            dataset: spec.dataset,
                            revision: 1,
                            first: 0,
                            rows: Arc::clone(&self.all),
                        };
                        let output = JobOutput::Dataset(DatasetOutput::Found(Arc::new(found)));
                        window.tell(Event::Settled(job, Outcome::Done(output)));
                    }
                    Command::Fetch(id, Query::Dataset(DatasetQuery::Rows { rows, .. })) => {
                        self.n_asked += 1;
                        self.n_given += rows.len();
                        let rows = Arc::new(rows.into_iter().map(line).collect());
                        window
                            .tell(Event::Fetched(id, Page::Dataset(DatasetPage::Rows { revision: 1, rows })));
                    }
                    Command::Fetch(id, Query::Dataset(DatasetQuery::Row { row, .. })) => {
                        let page = DatasetPage::Row(Some(Arc::new(document(row))));
                        window.tell(Event::Fetched(id, Page::Dataset(page)));
                    }
                    Command::Fetch(id, Query::Dataset(query)) => {
                        if let Some(page) = self.fake.page(&query) {
                            window.tell(Event::Fetched(id, Page::Dataset(page)));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn rows(window: &Window) -> Vec<String> {
    let rows = window.harness.get_all_by_role(Role::Row);
    rows.filter_map(|row| row.accesskit_node().label()).collect()
}

#[test]
fn the_last_of_a_million_rows_is_as_near_as_the_first() {
    let (mut million, mut window) = Million::open();
    assert!(rows(&window)[0].starts_with("Row 1: Question 0"));
    assert!(rows(&window).len() < 40 && million.n_given < 500, "{}", million.n_given);
    window.harness.get_by_role(Role::Grid).focus();
    window.run();
    window.key(Modifiers::NONE, Key::End);
    million.answer(&mut window);
    assert_eq!(selected(&window), ["Row 1,"]);
    let last = rows(&window).pop().expect("rows");
    assert!(last.starts_with("Row 1,000,000: Question 999999"), "{last}");
    // As sharp as at the beginning: rows are whole points apart.
    let tops: Vec<f32> = window.harness.get_all_by_role(Role::Row).map(|row| row.rect().top()).collect();
    assert!(tops.windows(2).all(|two| (two[1] - two[0] - 32.0).abs() < 0.01), "{tops:?}");
    window.key(Modifiers::NONE, Key::ArrowUp);
    window.key(Modifiers::NONE, Key::PageUp);
    million.answer(&mut window);
    window.key(Modifiers::COMMAND, Key::A);
    assert_eq!(selected(&window).len(), rows(&window).len(), "all that are drawn, of all");
    window.key(Modifiers::NONE, Key::Home);
    assert_eq!(selected(&window).len(), 1);
    assert!(million.n_given < 1500, "{} lines were fetched", million.n_given);
}

#[test]
fn what_rushes_by_is_not_fetched() {
    let (mut million, mut window) = Million::open();
    let bar = window.harness.get_by_role_and_label(Role::ScrollBar, "Scroll rows").rect();
    million.n_asked = 0;
    window.harness.event(egui::Event::PointerMoved(bar.center_top() + vec2(0.0, 10.0)));
    window.harness.step();
    window.harness.drag_at(bar.center_top() + vec2(0.0, 10.0));
    for part in 1..60 {
        let at = bar.center_top() + vec2(0.0, 10.0 + bar.height() * part as f32 / 70.0);
        window.harness.hover_at(at);
        window.harness.step();
    }
    let asked =
        window.engine.commands.try_iter().filter(|command| {
            matches!(command, Command::Fetch(_, Query::Dataset(DatasetQuery::Rows { .. })))
        });
    assert!(asked.count() <= 3, "as long as none has been answered");
    window.harness.drop_at(bar.center());
    window.run();
}

/// Milliseconds of logic, layout and tessellation are told, not judged: how busy the machine is, a test can't know.
#[test]
fn frames_of_a_million_rows_stay_short() {
    let (mut million, mut window) = Million::open();
    million.answer(&mut window);
    let at = window.harness.get_by_role(Role::Grid).rect().center();
    window.harness.event(egui::Event::PointerMoved(at));
    let mut times: Vec<f64> = Vec::new();
    for frame in 0..120 {
        let delta = vec2(0.0, if frame < 60 { -48.0 } else { 48.0 });
        window.harness.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta,
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: Modifiers::NONE,
        });
        let begun = Instant::now();
        window.harness.step();
        let shapes = window.harness.output().shapes.clone();
        let meshes = window.harness.ctx.tessellate(shapes, 1.0);
        let took = begun.elapsed().as_secs_f64() * 1e3;
        assert!(!meshes.is_empty());
        if frame % 8 == 0 {
            million.answer(&mut window);
        } else {
            times.push(took);
        }
    }
    times.sort_by(f64::total_cmp);
    let (middle, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    eprintln!("a frame: {middle:.2} ms, 95 of 100 below {most:.2} ms, with {N} rows");
    assert!(rows(&window).len() < 40, "only the rows in sight are drawn");
}
