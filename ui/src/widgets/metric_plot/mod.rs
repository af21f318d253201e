//! Lines of measurements over a run: raw and smooth, evaluations as dots, a card with exact values at the pointer,
//! zoom by dragging, wheel or keys. What is drawn, and in which colours, is the caller's.

mod axis;
mod card;
mod curve;
mod legend;
mod spark;

pub use curve::Curve;
pub use legend::{LegendEntry, legend};
pub use spark::{spark, spark_width};

use crate::theme::{self, Tokens, Type, Weight};
use axis::Scale;
use curve::View;
use egui::{
    Align2, Color32, EventFilter, Key, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

/// Room for the numbers at the left and below.
const LEFT: f32 = 52.0;
const BELOW: f32 = 24.0;
const ABOVE: f32 = 8.0;
/// What is measured, under what it comes to when smoothed.
const RAW_OPACITY: f32 = 0.28;
/// Drags that are shorter are clicks.
const MIN_DRAG: f32 = 6.0;

/// How a line is told from others besides by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStyle {
    Solid,
    /// Dashed in one of several ways.
    Dashed(usize),
    /// Ringed dots with a thin line between them: evaluations.
    Dots,
}

pub struct PlotLine<'a> {
    /// In the card.
    pub name: String,
    pub curve: &'a Curve,
    pub color: Color32,
    pub style: LineStyle,
}

/// A place on the plot with a word to it: where the best was.
pub struct PlotMark {
    pub x: f64,
    pub y: f64,
    pub text: String,
}

/// The part of a run that has not been measured yet.
pub struct Future {
    /// Where the run is, and where it will end.
    pub from: f64,
    pub to: f64,
    pub text: String,
}

/// What a person is looking at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlotLook {
    /// The part of the axis that is zoomed into.
    pub zoom: Option<(f64, f64)>,
    /// Where the keyboard has put the crosshair.
    pub cursor: Option<f64>,
    drag_from: Option<f64>,
}

/// Words for a place on the axis.
pub type Words<'a> = &'a dyn Fn(f64) -> String;

#[must_use = "a plot draws nothing until `show`"]
pub struct MetricPlot<'a> {
    /// What screen readers and tests call it.
    pub name: String,
    pub lines: &'a [PlotLine<'a>],
    pub marks: &'a [PlotMark],
    pub future: Option<Future>,
    pub log: bool,
    /// Leave out the lowest and the highest hundredth of what was measured when choosing the range.
    pub clip: bool,
    /// At ticks, and in the head of the card.
    pub x_tick: Words<'a>,
    pub x_card: Words<'a>,
    /// After the name of a dot in the card whose place is not the crosshair's: `at 250`.
    pub x_aside: Words<'a>,
    pub height: f32,
}

/// One frame's plot, measured.
struct Frame {
    rect: Rect,
    x: Scale,
    y: Scale,
    view: View,
}

impl Frame {
    fn at(&self, [x, y]: [f64; 2]) -> Pos2 {
        let y = self.rect.bottom() - self.y.place(y) * self.rect.height();
        pos2(self.at_x(x), y)
    }

    fn at_x(&self, x: f64) -> f32 {
        self.rect.left() + self.x.place(x) * self.rect.width()
    }

    fn x_at(&self, at: f32) -> f64 {
        self.x.value(((at - self.rect.left()) / self.rect.width()).clamp(0.0, 1.0))
    }
}

impl MetricPlot<'_> {
    /// Draws it, as wide as there is room.
    pub fn show(self, ui: &mut Ui, look: &mut PlotLook) -> Response {
        let whole = vec2(ui.available_width(), self.height);
        let (outer, response) = ui.allocate_exact_size(whole, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), &self.name));
        let rect = Rect::from_min_max(outer.min + vec2(LEFT, ABOVE), outer.max - vec2(0.0, BELOW));
        if rect.width() < 40.0 || rect.height() < 40.0 {
            return response;
        }
        let frame = self.frame(rect, look);
        self.steer(ui, &response, &frame, look);
        if ui.is_rect_visible(outer) {
            let t = theme::of(ui).tokens;
            self.paint_ground(ui, &frame, &t);
            let inside = ui.painter().with_clip_rect(rect.expand(5.0).intersect(ui.clip_rect()));
            for line in self.lines {
                inside.extend(shapes(line, &frame, &t));
            }
            self.paint_marks(ui, &frame, &t);
            self.paint_drag(ui, &response, &frame, look, &t);
            if let Some(x) = self.crosshair(&response, &frame, look) {
                self.paint_card(ui, &frame, x);
            }
            super::focus_ring(ui, &response, outer.shrink(3.0));
        }
        response
    }

    /// From the first to the last measurement of all lines, or to where the run will end.
    fn extent(&self) -> (f64, f64) {
        let extents = self.lines.iter().filter_map(|line| line.curve.extent());
        let (mut from, mut to) = extents.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), extent| {
            (from.min(extent.0), to.max(extent.1))
        });
        if let Some(future) = &self.future {
            to = to.max(future.to);
        }
        if !from.is_finite() || !to.is_finite() {
            return (0.0, 1.0);
        }
        // A run begins at its beginning, whatever was measured first.
        from = from.min(0.0);
        (from, if to > from { to } else { from + 1.0 })
    }

    fn frame(&self, rect: Rect, look: &mut PlotLook) -> Frame {
        let (first, last) = self.extent();
        let within = |(from, to): (f64, f64)| (from.max(first), to.min(last));
        let kept = look.zoom.map(within).filter(|(from, to)| from < to && (*from, *to) != (first, last));
        look.zoom = kept;
        let (from, to) = kept.unwrap_or((first, last));
        let view = View { from, to, columns: rect.width().max(1.0) as usize };
        let y = self.y_scale(view);
        Frame { rect, x: Scale { from, to, log: false }, y, view }
    }

    fn y_scale(&self, view: View) -> Scale {
        let (mut low, mut high, mut least) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY);
        for line in self.lines {
            let thin = line.curve.thin(view);
            let measured = if self.clip && line.style != LineStyle::Dots { thin.clipped } else { thin.range };
            let smooth = curve::range(thin.smooth.iter().map(|[_, y]| *y));
            // The smooth line is always seen whole, but what was measured says how low it may go.
            for (from, to) in [measured, smooth].into_iter().flatten() {
                (low, high) = (low.min(from), high.max(to));
                if from > 0.0 {
                    least = least.min(from);
                }
            }
        }
        if !low.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        if self.log && least.is_finite() {
            let (low, high) = (low.max(least), high.max(least * 1.01));
            let room = (high / low).powf(0.05).max(1.01);
            return Scale { from: low / room, to: high * room, log: true };
        }
        let room = ((high - low) * 0.06).max(high.abs() * 0.005).max(f64::MIN_POSITIVE.sqrt());
        Scale { from: low - room, to: high + room, log: false }
    }

    /// Zooms and moves the crosshair, by pointer, wheel and keys.
    fn steer(&self, ui: &Ui, response: &Response, frame: &Frame, look: &mut PlotLook) {
        let pointer = response.interact_pointer_pos().map(|at| frame.x_at(at.x));
        if response.drag_started() {
            let origin = ui.input(|i| i.pointer.press_origin());
            look.drag_from = origin.map(|at| frame.x_at(at.x));
        }
        if response.drag_stopped()
            && let (Some(from), Some(to)) = (look.drag_from.take(), pointer)
            && (frame.at_x(from) - frame.at_x(to)).abs() > MIN_DRAG
        {
            look.zoom = Some((from.min(to), from.max(to)));
        }
        if response.double_clicked() {
            look.zoom = None;
        }
        if let Some(at) = response.hover_pos() {
            look.cursor = None;
            let by = ui.input(|i| i.zoom_delta());
            if by != 1.0 {
                zoom(look, frame, frame.x_at(at.x), f64::from(by));
            }
        }
        if response.has_focus() {
            self.keys(ui, response, frame, look);
        }
    }

    fn keys(&self, ui: &Ui, response: &Response, frame: &Frame, look: &mut PlotLook) {
        let filter = EventFilter { horizontal_arrows: true, escape: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|i| i.key_pressed(key));
        let step = ui.input(|i| {
            let far = if i.modifiers.shift { 10 } else { 1 };
            far * (i.num_presses(Key::ArrowRight) as isize - i.num_presses(Key::ArrowLeft) as isize)
        });
        if step != 0
            && let Some(line) = self.lines.first()
        {
            let from = look.cursor.or_else(|| line.curve.extent().map(|(_, last)| last));
            look.cursor = from.and_then(|x| line.curve.step_from(x, step));
        }
        let centre = look.cursor.unwrap_or((frame.view.from + frame.view.to) / 2.0);
        if pressed(Key::Plus) || pressed(Key::Equals) {
            zoom(look, frame, centre, 2.0);
        }
        if pressed(Key::Minus) {
            zoom(look, frame, centre, 0.5);
        }
        if pressed(Key::Escape) || pressed(Key::Home) {
            *look = PlotLook::default();
        }
    }

    /// Where the crosshair stands: on a measurement of the first line.
    fn crosshair(&self, response: &Response, frame: &Frame, look: &PlotLook) -> Option<f64> {
        let pointed = response.hover_pos().filter(|at| frame.rect.contains(*at) && !response.dragged());
        let x = pointed.map(|at| frame.x_at(at.x)).or(look.cursor)?;
        let line = self.lines.iter().find(|line| !line.curve.is_empty())?;
        Some(line.curve.nearest(x)?.0)
    }

    fn paint_ground(&self, ui: &Ui, frame: &Frame, t: &Tokens) {
        let painter = ui.painter();
        let rect = frame.rect;
        let font = Type::Caption.mono(Weight::Regular);
        let ticks = frame.y.ticks((rect.height() / 44.0) as usize);
        for tick in &ticks {
            let y = frame.at([frame.view.from, *tick]).y;
            painter.hline(rect.x_range(), y, Stroke::new(1.0, t.line_soft));
            let words = frame.y.words(*tick, &ticks);
            painter.text(pos2(rect.left() - 8.0, y), Align2::RIGHT_CENTER, words, font.clone(), t.text_3);
        }
        for tick in frame.x.ticks((rect.width() / 110.0) as usize) {
            let x = frame.at_x(tick);
            let align = if x > rect.right() - 24.0 { Align2::RIGHT_TOP } else { Align2::CENTER_TOP };
            let at = pos2(x, rect.bottom() + 6.0);
            painter.text(at, align, (self.x_tick)(tick), font.clone(), t.text_3);
        }
        self.paint_future(ui, frame, t);
    }

    fn paint_future(&self, ui: &Ui, frame: &Frame, t: &Tokens) {
        let Some(future) = &self.future else { return };
        let x = frame.rect.x_range();
        let (from, to) = (x.clamp(frame.at_x(future.from)), x.clamp(frame.at_x(future.to)));
        if to - from < 1.0 {
            return;
        }
        let part = Rect::from_x_y_ranges(from..=to, frame.rect.y_range());
        ui.painter().rect_filled(part, 0.0, t.window.gamma_multiply(0.55));
        let words =
            ui.painter().layout_no_wrap(future.text.clone(), Type::Hint.font(Weight::Regular), t.text_3);
        if words.size().x + 16.0 < part.width() {
            ui.painter().galley(part.center() - words.size() / 2.0, words, t.text_3);
        }
    }

    fn paint_marks(&self, ui: &Ui, frame: &Frame, t: &Tokens) {
        for mark in self.marks.iter().filter(|mark| (frame.view.from..=frame.view.to).contains(&mark.x)) {
            let at = frame.at([mark.x, mark.y]);
            let foot = pos2(at.x, frame.rect.bottom());
            let stroke = Stroke::new(1.0, t.ok);
            // One that lies below what is shown has no line.
            if at.y + 6.0 < foot.y {
                ui.painter().extend(Shape::dashed_line(&[at + vec2(0.0, 6.0), foot], stroke, 2.0, 3.0));
            }
            let left = at.x > frame.rect.center().x;
            let (align, dx) = if left { (Align2::RIGHT_BOTTOM, -6.0) } else { (Align2::LEFT_BOTTOM, 6.0) };
            let font = Type::Hint.font(Weight::Regular);
            ui.painter().text(foot + vec2(dx, -4.0), align, &mark.text, font, t.ok);
        }
    }

    fn paint_drag(&self, ui: &Ui, response: &Response, frame: &Frame, look: &PlotLook, t: &Tokens) {
        let Some((from, to)) = look.drag_from.zip(response.interact_pointer_pos()) else { return };
        let (a, b) = (frame.at_x(from), frame.at_x(frame.x_at(to.x)));
        let part = Rect::from_x_y_ranges(a.min(b)..=a.max(b), frame.rect.y_range());
        let line = Stroke::new(1.0, t.selected_line);
        ui.painter().rect(part, 0.0, t.selected.gamma_multiply(0.5), line, StrokeKind::Inside);
    }
}

fn zoom(look: &mut PlotLook, frame: &Frame, centre: f64, by: f64) {
    let View { from, to, .. } = frame.view;
    look.zoom = Some((centre - (centre - from) / by, centre + (to - centre) / by));
}

/// Lengths of dashes and gaps.
const DASHES: [(f32, f32); 4] = [(6.0, 4.0), (2.0, 3.0), (10.0, 4.0), (4.0, 6.0)];

fn shapes(line: &PlotLine, frame: &Frame, t: &Tokens) -> Vec<Shape> {
    let thin = line.curve.thin(frame.view);
    let place = |points: &[[f64; 2]]| points.iter().map(|point| frame.at(*point)).collect::<Vec<_>>();
    let raw = place(&thin.raw);
    let mut shapes = Vec::new();
    if line.style == LineStyle::Dots {
        shapes.push(Shape::line(raw.clone(), Stroke::new(1.5, line.color)));
        for at in raw {
            shapes.push(Shape::Circle(egui::epaint::CircleShape {
                center: at,
                radius: 4.0,
                fill: t.pane,
                stroke: Stroke::new(2.0, line.color),
            }));
        }
        return shapes;
    }
    let main = if line.curve.has_smooth() {
        // Only where it is the one line of its kind: more of them would be a thicket.
        if line.style == LineStyle::Solid {
            shapes.push(Shape::line(raw, Stroke::new(1.0, line.color.gamma_multiply(RAW_OPACITY))));
        }
        place(&thin.smooth)
    } else {
        raw
    };
    let stroke = Stroke::new(2.0, line.color);
    if let [only] = main[..] {
        shapes.push(Shape::circle_filled(only, 2.0, line.color));
    }
    match line.style {
        LineStyle::Dashed(n) => {
            let (dash, gap) = DASHES[n % DASHES.len()];
            shapes.extend(Shape::dashed_line(&main, stroke, dash, gap));
        }
        LineStyle::Solid | LineStyle::Dots => shapes.push(Shape::line(main, stroke)),
    }
    shapes
}

/// A dot or a stroke as the line has it, for legend and card.
fn paint_sample(ui: &Ui, rect: Rect, color: Color32, style: LineStyle) {
    let t = theme::of(ui).tokens;
    let (y, x) = (rect.center().y, rect.x_range());
    match style {
        LineStyle::Dots => {
            ui.painter().circle(rect.center(), 4.0, t.pane, Stroke::new(2.0, color));
        }
        LineStyle::Solid => {
            ui.painter().hline(x, y, Stroke::new(2.0, color));
        }
        LineStyle::Dashed(n) => {
            let (dash, gap) = DASHES[n % DASHES.len()];
            let ends = [pos2(x.min, y), pos2(x.max, y)];
            ui.painter().extend(Shape::dashed_line(
                &ends,
                Stroke::new(2.0, color),
                dash.min(6.0),
                gap.min(3.0),
            ));
        }
    }
}
