//! Axes: where their ticks stand, how their numbers are written, and where a value lies.

/// From a value to a place between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub from: f64,
    pub to: f64,
    pub log: bool,
}

impl Scale {
    pub fn place(&self, value: f64) -> f32 {
        let part = if self.log {
            let (from, to) = (self.from.ln(), self.to.ln());
            (value.max(f64::MIN_POSITIVE).ln() - from) / (to - from)
        } else {
            (value - self.from) / (self.to - self.from)
        };
        // Far outside is as good as just outside, and stays a number.
        part.clamp(-10.0, 10.0) as f32
    }

    pub fn value(&self, place: f32) -> f64 {
        let part = f64::from(place);
        if self.log {
            (self.from.ln() + part * (self.to.ln() - self.from.ln())).exp()
        } else {
            self.from + part * (self.to - self.from)
        }
    }

    /// Round values, about `wanted` of them.
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        if self.log { log_ticks(self.from, self.to, wanted) } else { even_ticks(self.from, self.to, wanted) }
    }

    /// A tick's number, with the decimals that tell it from its neighbours.
    pub fn words(&self, tick: f64, ticks: &[f64]) -> String {
        let step = ticks.windows(2).map(|two| (two[1] - two[0]).abs()).fold(f64::INFINITY, f64::min);
        let largest = ticks.iter().fold(0.0_f64, |largest, tick| largest.max(tick.abs()));
        if tick == 0.0 {
            return "0".to_owned();
        }
        if self.log || !step.is_finite() || !(1e-2..1e6).contains(&largest) {
            return exact(tick);
        }
        let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 8.0) as usize;
        format!("{tick:.decimals$}")
    }
}

fn even_ticks(from: f64, to: f64, wanted: usize) -> Vec<f64> {
    let step = round_step((to - from) / wanted.max(1) as f64);
    if !step.is_normal() {
        return vec![from];
    }
    let (first, last) = ((from / step).ceil() as i64, (to / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let of = [1.0, 2.0, 5.0, 10.0].into_iter().find(|of| of * power >= least * 0.999).unwrap_or(10.0);
    of * power
}

fn log_ticks(from: f64, to: f64, wanted: usize) -> Vec<f64> {
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let ticks = |of: &[f64]| -> Vec<f64> {
        let all = (first..=last).flat_map(|power| of.iter().map(move |of| of * 10f64.powi(power)));
        all.filter(|tick| (from..=to).contains(tick)).collect()
    };
    let fine = ticks(&[1.0, 2.0, 5.0]);
    let coarse = ticks(&[1.0]);
    match (fine.len(), coarse.len()) {
        // Less than a decade: even steps say more.
        (0..=2, _) => even_ticks(from, to, wanted).into_iter().filter(|tick| *tick > 0.0).collect(),
        (n, _) if n <= 2 * wanted => fine,
        _ => coarse,
    }
}

/// A measured value: six digits, as many as tell one from another.
pub(super) fn exact(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-2..1e7).contains(&size) {
        return scientific(value, 4);
    }
    let decimals = (5.0 - size.log10().floor()).clamp(0.0, 8.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `1.09e-4`, without zeros at its end.
fn scientific(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$e}");
    match text.split_once('e') {
        Some((digits, power)) if digits.contains('.') => {
            format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: f64, to: f64, log: bool, expected: &[&str]) {
        let scale = Scale { from, to, log };
        let ticks = scale.ticks(5);
        let words: Vec<String> = ticks.iter().map(|tick| scale.words(*tick, &ticks)).collect();
        assert_eq!(words, expected, "{from} to {to}");
    }

    #[test]
    fn ticks_are_round() {
        check(1.2, 2.6, false, &["1.5", "2.0", "2.5"]);
        check(0.0, 717.0, false, &["0", "200", "400", "600"]);
        check(0.0, 2e-4, false, &["0", "5e-5", "1e-4", "1.5e-4", "2e-4"]);
        check(0.09, 30.0, true, &["0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]);
        check(1.2, 2.6, true, &["1.5", "2", "2.5"]);
    }

    #[test]
    fn values_are_exact() {
        for (value, expected) in [
            (1.498_034_21, "1.49803"),
            (1490.0, "1490"),
            (1.09e-4, "1.09e-4"),
            (0.0, "0"),
            (-0.5, "-0.5"),
            (12_345_678.0, "1.2346e7"),
        ] {
            assert_eq!(exact(value), expected);
        }
    }

    #[test]
    fn places_and_values_are_inverses() {
        for log in [false, true] {
            let scale = Scale { from: 0.5, to: 8.0, log };
            assert_eq!((scale.place(0.5), scale.place(8.0)), (0.0, 1.0));
            assert!((scale.value(scale.place(2.0)) - 2.0).abs() < 1e-5);
        }
    }
}
