//! The widgets by themselves: how they look in both themes, and what their keys do.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::{Harness, SnapshotResults};
use glassworks_protocol::text::{Language, Text};
use glassworks_protocol::{Failure, FailureKind};
use glassworks_tests_screens::{Queryable, fixtures};
use glassworks_ui::theme::{self, Theme, Tokens, icons};
use glassworks_ui::widgets::{self, Button, Field, MenuItem, NumberField, Select, Tone};

#[derive(Default)]
struct State {
    text: String,
    number: f64,
    optional: Option<f64>,
    slider: f32,
    on: bool,
    view: usize,
    open: bool,
    pressed: Vec<&'static str>,
}

fn harness(
    theme: Theme,
    size: [f32; 2],
    draw: impl FnMut(&mut egui::Ui, &mut State) + 'static,
) -> Harness<'static, State> {
    let ground = theme.tokens.pane;
    let mut draw = draw;
    let mut harness = Harness::builder()
        .with_size(size)
        .with_max_steps(16)
        .with_context_setup(move |ctx| {
            theme::install(ctx);
            theme::apply(ctx, &theme);
        })
        .build_ui_state(
            move |ui, state: &mut State| {
                let whole = ui.ctx().content_rect();
                ui.painter().with_clip_rect(whole).rect_filled(whole, 0.0, ground);
                egui::Frame::new().inner_margin(20).show(ui, |ui| draw(ui, state));
            },
            State { number: 1.0, slider: 0.7, ..State::default() },
        );
    harness.run_ok();
    harness
}

fn dark() -> Theme {
    Theme::new(true, false, false, Language::English)
}

fn failure() -> Failure {
    Failure::new(
        FailureKind::Memory,
        Text::new("failure.memory")
            .arg("what", "Batch 8 × 2,048")
            .arg("needed", "13.1 GiB")
            .arg("free", "9.6 GiB"),
    )
}

fn gallery(ui: &mut egui::Ui, state: &mut State) {
    let t = theme::of(ui).tokens;
    ui.horizontal(|ui| {
        Button::accent("Start").show(ui);
        Button::accent("Start").off(Some("Not yet".to_owned())).name("Off").show(ui);
        Button::control("Pause").icon(icons::PAUSE).show(ui);
        Button::control("Pause").selected(true).show(ui);
        Button::control("Pause").off(Some("Not yet".to_owned())).show(ui);
        Button::quiet("Details").show(ui);
        Button::danger("Delete").icon(icons::TRASH).show(ui);
        Button::accent("Send").shortcut("Ctrl ↵").main().show(ui);
        Button::control("Qwen3-0.6B").detail("Q4_K_M").caret().show(ui);
        widgets::icon_button(ui, icons::COPY, "Copy");
    });
    ui.horizontal(|ui| {
        Field::new("Empty").placeholder("Placeholder").show(ui, &mut String::new());
        Field::new("Rate").mono().width(100.0).show(ui, &mut "2e-4".to_owned());
        Field::new("Bad").mono().width(80.0).problem(true).show(ui, &mut "2e4".to_owned());
        widgets::search_field(ui, "Search", 160.0, &mut state.text);
        widgets::toggle(ui, "Switch", &mut state.on);
        widgets::toggle(ui, "On", &mut true);
        widgets::segments(
            ui,
            "View",
            &mut state.view,
            &[(0, "Chat".to_owned()), (1, "Completion".to_owned())],
            None,
        );
    });
    ui.horizontal(|ui| {
        widgets::badge(ui, Tone::Ok, icons::CHECK, "Fits");
        widgets::badge(ui, Tone::Warn, icons::WARNING, "Tight");
        widgets::badge(ui, Tone::Danger, icons::X, "Too large");
        widgets::tag(ui, Tone::Plain, "Apache-2.0");
        widgets::tag(ui, Tone::Accent, "newest");
        widgets::kbd(ui, "Ctrl P");
        widgets::bead(ui, t.ok);
        widgets::bead_ring(ui);
        widgets::bead(ui, t.warm);
        widgets::strip(ui, "Surprisal", 200.0, (0..40).map(|i| (i * 7 % 13) as f32 / 13.0));
        for i in 0..12 {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(12.0, 20.0), egui::Sense::hover());
            ui.painter().rect_filled(rect, 0.0, Tokens::map(&t.chip, i as f32 / 11.0));
        }
    });
    ui.columns(3, |ui| {
        widgets::card(&mut ui[0], |ui| {
            ui.set_width(240.0);
            widgets::job_row(ui, "Reading rows", Some(&fixtures::progress()), Some("Stop it"));
        });
        widgets::card(&mut ui[1], |ui| {
            ui.set_width(240.0);
            widgets::failed_line(ui, &failure(), Some(Button::control("Use batch 4")));
        });
        widgets::card(&mut ui[2], |ui| {
            ui.set_width(240.0);
            widgets::slider_row(
                ui,
                "Temperature",
                &mut state.slider,
                0.0..=2.0,
                2,
                "Lower repeats the likeliest words",
            );
        });
    });
    widgets::form_row(ui, "Learning rate", "How far each step goes", |ui| {
        NumberField::new("Learning rate", 0.0..=1.0)
            .decimals(2, 0.1)
            .width(148.0)
            .show(ui, &mut state.number);
    });
    widgets::fold(ui, "Pace", "AdamW, batch 16, cosine", &mut state.open, |ui| {
        widgets::label(ui, "Unfolded");
    });
}

#[test]
fn pictures_of_parts() {
    let mut all = SnapshotResults::new();
    for (is_dark, name) in [(true, "parts_dark"), (false, "parts_light")] {
        let theme = Theme::new(is_dark, false, false, Language::English);
        let mut harness = harness(theme, [980.0, 420.0], gallery);
        harness.snapshot(name);
        all.extend_harness(&mut harness);
    }
}

#[test]
fn nothing_is_without_a_name() {
    assert_eq!(harness(dark(), [980.0, 420.0], gallery).unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn a_button_takes_clicks_and_keys_but_not_when_it_is_off() {
    let mut harness = harness(dark(), [400.0, 100.0], |ui, state| {
        if Button::control("Go").show(ui).clicked() {
            state.pressed.push("go");
        }
        if Button::control("Never").off(Some("Because".to_owned())).show(ui).clicked() {
            state.pressed.push("never");
        }
    });
    harness.get_by_label("Go").click();
    harness.run_ok();
    harness.get_by_label("Never").click();
    harness.run_ok();
    harness.get_by_label("Go").focus();
    harness.run_ok();
    harness.key_press(Key::Enter);
    harness.run_ok();
    assert_eq!(harness.state().pressed, ["go", "go"]);
}

#[test]
fn a_number_is_typed_stepped_and_kept_in_range() {
    let mut harness = harness(dark(), [400.0, 100.0], |ui, state| {
        NumberField::new("Rate", 0.0..=2.0).decimals(2, 0.1).show(ui, &mut state.number);
        NumberField::new("Top-k", 1.0..=100.0).or_off("off").show_opt(ui, &mut state.optional);
    });
    let field =
        |h: &Harness<'static, State>, name: &str| h.get_by_role_and_label(Role::TextInput, name).focus();
    field(&harness, "Rate");
    harness.run_ok();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.event(egui::Event::Text("1.5".to_owned()));
    harness.run_ok();
    assert_eq!(harness.state().number, 1.5);
    harness.key_press(Key::ArrowUp);
    harness.run_ok();
    assert!((harness.state().number - 1.6).abs() < 1e-9);
    harness.event(egui::Event::Text("99".to_owned()));
    harness.run_ok();
    assert!((harness.state().number - 1.6).abs() < 1e-9, "out of range is not taken");
    field(&harness, "Top-k");
    harness.run_ok();
    harness.event(egui::Event::Text("40".to_owned()));
    harness.run_ok();
    assert_eq!(harness.state().optional, Some(40.0));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.key_press(Key::Backspace);
    harness.run_ok();
    assert_eq!(harness.state().optional, None);
}

#[test]
fn a_slider_moves_by_arrow_keys() {
    let mut harness = harness(dark(), [400.0, 120.0], |ui, state| {
        widgets::slider_row(ui, "Temperature", &mut state.slider, 0.0..=2.0, 2, "");
    });
    harness.get_by_role_and_label(Role::Slider, "Temperature").focus();
    harness.run_ok();
    harness.key_press(Key::ArrowRight);
    harness.run_ok();
    assert!((harness.state().slider - 0.72).abs() < 1e-5, "{}", harness.state().slider);
}

#[test]
fn a_select_is_used_by_keyboard() {
    let mut harness = harness(dark(), [400.0, 300.0], |ui, state| {
        let options = [(0, "Surprisal".to_owned()), (1, "Rank".to_owned()), (2, "Nothing".to_owned())];
        Select::new("Colour by").show(ui, &mut state.view, &options);
        let button = Button::quiet("More").show(ui);
        widgets::menu(&button, 160.0, |ui| {
            if MenuItem::new("Rename…").icon(icons::PENCIL_SIMPLE).show(ui).clicked() {
                state.pressed.push("rename");
            }
            MenuItem::new("Delete").danger().off(Some("Because".to_owned())).show(ui);
        });
    });
    harness.get_by_label("Colour by: Surprisal").focus();
    harness.run_ok();
    harness.key_press(Key::Enter);
    harness.run_ok();
    for _ in 0..2 {
        harness.key_press(Key::ArrowDown);
        harness.run_ok();
    }
    harness.key_press(Key::Enter);
    harness.run_ok();
    assert_ne!(harness.state().view, 0, "another was chosen");
    harness.get_by_label("More").click();
    harness.run_ok();
    harness.get_by_label("Rename…").click();
    harness.run_ok();
    assert_eq!(harness.state().pressed, ["rename"]);
}
