//! egui's own style, made from our tokens, for the parts of egui that we use as they are.

use super::fonts::{Type, Weight};
use super::{Theme, size};
use egui::{
    CornerRadius, FontId, Margin, Stroke, TextStyle, Vec2, Visuals,
    epaint::Shadow,
    style::{ScrollAnimation, ScrollStyle, Selection, Style, WidgetVisuals, Widgets},
};

pub(super) fn style(theme: &Theme) -> Style {
    let mut style = Style {
        text_styles: text_styles(),
        drag_value_text_style: TextStyle::Monospace,
        animation_time: theme.motion(0.12),
        visuals: visuals(theme),
        ..Style::default()
    };
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(8.0, 8.0);
    spacing.button_padding = Vec2::new(12.0, 4.0);
    spacing.interact_size = Vec2::new(28.0, size::CONTROL);
    spacing.menu_margin = Margin::same(4);
    spacing.window_margin = Margin::same(16);
    spacing.tooltip_width = 320.0;
    spacing.scroll = ScrollStyle { floating: true, bar_width: 8.0, ..ScrollStyle::floating() };
    spacing.scroll.fade.strength = 0.0;
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.interaction.show_tooltips_only_when_still = true;
    if theme.reduced_motion {
        style.scroll_animation = ScrollAnimation::none();
    }
    style
}

fn text_styles() -> std::collections::BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Small, Type::Hint.font(Weight::Regular)),
        (TextStyle::Body, Type::Body.font(Weight::Regular)),
        (TextStyle::Button, Type::Body.font(Weight::Medium)),
        (TextStyle::Heading, Type::Prose.font(Weight::Semibold)),
        (TextStyle::Monospace, Type::Body.mono(Weight::Regular)),
    ]
    .into()
}

fn visuals(theme: &Theme) -> Visuals {
    let t = &theme.tokens;
    let base = if theme.dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(size::RADIUS_CONTROL);
    let widget = |fill, line, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, line),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let shadow = Shadow { offset: [0, 8], blur: 24, spread: 0, color: t.shadow };
    let mut v = Visuals {
        weak_text_color: Some(t.text_3),
        widgets: Widgets {
            noninteractive: widget(t.pane, t.line_soft, t.text_1),
            inactive: widget(t.control, t.line, t.text_2),
            hovered: widget(t.hover, t.line_strong, t.text_1),
            active: widget(t.pressed, t.accent, t.text_1),
            open: widget(t.pressed, t.line_strong, t.text_1),
        },
        selection: Selection { bg_fill: t.accent.gamma_multiply(0.35), stroke: Stroke::new(1.0, t.text_1) },
        hyperlink_color: t.accent,
        faint_bg_color: t.raised,
        extreme_bg_color: t.field,
        text_edit_bg_color: Some(t.field),
        code_bg_color: t.raised,
        warn_fg_color: t.warn,
        error_fg_color: t.danger,
        window_corner_radius: CornerRadius::same(size::RADIUS_TILE),
        menu_corner_radius: CornerRadius::same(size::RADIUS_TILE),
        window_shadow: shadow,
        popup_shadow: shadow,
        window_fill: t.raised,
        window_stroke: Stroke::new(1.0, t.line_strong),
        panel_fill: t.window,
        button_frame: true,
        disabled_alpha: 1.0,
        interact_cursor: None,
        ..base
    };
    v.text_cursor.stroke = Stroke::new(2.0, t.accent);
    v.text_cursor.blink = !theme.reduced_motion;
    v
}
