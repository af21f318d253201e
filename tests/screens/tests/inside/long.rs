//! Long texts: a rough picture at once, the drawn one from the engine, exact rows where few are in sight; and how long a
//! frame of many heads takes.

use super::fake::{Fake, WIDE};
use super::made::{self, Recipe};
use super::{hover, map_of, said};
use egui::{Modifiers, vec2};
use glassworks_protocol::inside::{Capture, InsideOutput, LayerCapture, Storage};
use glassworks_protocol::settings::ThemeChoice;
use glassworks_protocol::text::Language;
use glassworks_protocol::{Event, JobOutput, Outcome};
use glassworks_tests_screens::{Queryable, Window};
use std::sync::Arc;
use std::time::Instant;

fn text(n_words: usize) -> String {
    let words = ["glass", "river", "seven", "cloud", "lamp", "north", "paper", "green", "stone", "violin"];
    (0..n_words).map(|at| words[(at * at / 3 + at) % words.len()]).collect::<Vec<_>>().join(" ")
}

fn wheel(window: &mut Window, y: f32) {
    window.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, y),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    window.run();
}

/// What is done before a frame, by its number.
type Each = Box<dyn FnMut(&mut Window, usize)>;

#[test]
fn a_rough_picture_waits_for_the_drawn_one() {
    let recipe = Recipe { n_layers: 2, n_heads: 4, n_kv_heads: 2, ..Recipe::default() };
    let mut fake = Fake { recipe, draws_nothing: true, ..Fake::default() };
    let mut window = super::english(&mut fake, &text(299));
    assert!(window.shows("A rough picture, until the map is drawn"));
    let (job, spec) = fake.heads.pop().expect("the engine is asked");
    assert_eq!((spec.layer.layer, spec.heads.as_slice(), spec.n_tokens), (1, [0].as_slice(), 300));
    // What is said of a cell is exact all the same.
    let map = map_of(1, 0);
    let at = super::matrix::cell(&window, &map, 300, 250, 100);
    hover(&mut window, at);
    let capture = fake.capture.clone().expect("captured");
    let layer = capture.layer(1).expect("layer");
    let words = said(&window, &map);
    let (row, column) = place(&words);
    let value = layer.maps.value(&layer.shape, 0, row, column).expect("seen");
    assert!(words.contains(&super_exact(value)), "{words}: {value}");
    let image = spec.draw(|| Ok::<(), ()>(())).expect("goes on");
    window.tell(Event::Settled(job, Outcome::Done(JobOutput::Inside(InsideOutput::Head(Arc::new(image))))));
    assert!(!window.shows("A rough picture, until the map is drawn"));
    // Another head, and back: it is kept.
    fake.draws_nothing = false;
    window.click("Next head");
    fake.answer(&mut window);
    window.click("Previous head");
    fake.answer(&mut window);
    assert_eq!(fake.heads.len(), 1, "only the other one was asked for");
}

/// As the pane writes it.
fn super_exact(value: f32) -> String {
    if value != 0.0 && value.abs() < 1e-4 { format!("{value:e}") } else { value.to_string() }
}

fn place(words: &str) -> (usize, usize) {
    let number = |before: &str| {
        let from = words.find(before).expect("a place") + before.len();
        words[from..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number")
    };
    (number("row "), number("column "))
}

#[test]
fn the_wheel_zooms_at_the_pointer_and_a_double_click_shows_all() {
    let recipe = Recipe { n_layers: 2, n_heads: 4, n_kv_heads: 2, ..Recipe::default() };
    let mut fake = Fake { recipe, ..Fake::default() };
    let mut window = super::english(&mut fake, &text(299));
    let map = map_of(1, 0);
    let at = super::matrix::cell(&window, &map, 300, 200, 100);
    hover(&mut window, at);
    let before = place(&said(&window, &map));
    for _ in 0..8 {
        wheel(&mut window, 120.0);
    }
    assert!(window.shows("Show all of it"));
    hover(&mut window, at);
    let after = place(&said(&window, &map));
    assert!(after.0.abs_diff(before.0) <= 1 && after.1.abs_diff(before.1) <= 1, "{before:?} {after:?}");
    let rect = window.harness.get_by_label(&map).rect();
    hover(&mut window, rect.min + vec2(3.0, 3.0));
    let corner = place(&said(&window, &map));
    assert!(corner.0 > 150 && corner.1 > 50, "{corner:?}");
    window.click("Show all of it");
    hover(&mut window, rect.min + vec2(1.0, 1.0));
    assert_eq!(place(&said(&window, &map)), (0, 0));
}

/// 32 layers of 32 heads over 2,048 tokens: one layer's numbers, seen as all of them.
fn large() -> Capture {
    let recipe = Recipe { n_layers: 1, n_heads: 32, n_kv_heads: 8, window: None, storage: Some(Storage::Qk) };
    let mut capture = made::capture(&text(2047), &recipe);
    assert_eq!(capture.n_tokens(), 2048);
    let one = LayerCapture::clone(&capture.layers[0]);
    capture.layers = (0..32).map(|layer| Arc::new(LayerCapture { layer, ..one.clone() })).collect();
    capture.sizes.n_layers = 32;
    capture
}

/// Milliseconds of logic, layout and tessellation are told; that they stay far below a blink is judged, for how busy the
/// machine is, a test can't know.
#[test]
fn frames_of_a_thousand_heads_over_two_thousand_tokens_stay_short() {
    let mut fake = Fake { until: Some(0), ..Fake::default() };
    let mut window = fake.looked("x", Language::English, ThemeChoice::Dark, WIDE);
    let (job, spec) = fake.captures.pop().expect("started");
    let capture = Arc::new(Capture { id: spec.id, ..large() });
    let output = JobOutput::Inside(InsideOutput::Captured(Arc::clone(&capture)));
    window.tell(Event::Settled(job, Outcome::Done(output)));
    fake.answer(&mut window);
    let map = map_of(16, 0);
    let at = window.harness.get_by_label(&map).rect().center() + vec2(-40.0, 60.0);
    let mut frames = |name: &str, mut each: Each| {
        let mut times: Vec<f64> = Vec::new();
        for frame in 0..60 {
            each(&mut window, frame);
            let begun = Instant::now();
            window.harness.step();
            let shapes = window.harness.output().shapes.clone();
            let meshes = window.harness.ctx.tessellate(shapes, 1.0);
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            assert!(!meshes.is_empty());
        }
        times.sort_by(f64::total_cmp);
        let (middle, most) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        eprintln!("{name}: a frame {middle:.2} ms, 95 of 100 below {most:.2} ms");
        assert!(middle < 100.0, "{name}: {middle} ms");
    };
    frames("at rest", Box::new(|_, _| {}));
    frames(
        "pointing",
        Box::new(move |window, frame| {
            window.harness.event(egui::Event::PointerMoved(at + vec2(frame as f32, frame as f32 * 2.0)));
        }),
    );
    frames(
        "zooming",
        Box::new(move |window, frame| {
            window.harness.event(egui::Event::PointerMoved(at));
            window.harness.event(egui::Event::MouseWheel {
                unit: egui::MouseWheelUnit::Point,
                delta: vec2(0.0, if frame < 30 { 40.0 } else { -40.0 }),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Wheel,
                modifiers: Modifiers::NONE,
            });
        }),
    );
}
