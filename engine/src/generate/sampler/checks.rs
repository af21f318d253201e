//! Values that mean something.

use glassworks_protocol::generate::{MAX_BEAMS, SamplingSpec};
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};

/// # Errors
/// `Failure { Input }` naming the value that is out of range.
pub(super) fn check(spec: &SamplingSpec) -> Result<(), Failure> {
    let outside = |name: &str, value: f32, range: &str| {
        Err(Failure::new(
            FailureKind::Input,
            Text::new("failure.out_of_range").arg("name", name).arg("value", value).arg("range", range),
        ))
    };
    if !(0.0..=100.0).contains(&spec.temperature) {
        return outside("temperature", spec.temperature, "0–100");
    }
    if let Some(p) = spec.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
        return outside("top-p", p, "0–1");
    }
    if let Some(p) = spec.min_p.filter(|p| !(0.0..=1.0).contains(p)) {
        return outside("min-p", p, "0–1");
    }
    if let Some(p) = spec.typical_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
        return outside("typical-p", p, "0–1");
    }
    if let Some(mirostat) = &spec.mirostat {
        if !(mirostat.tau > 0.0 && mirostat.tau <= 100.0) {
            return outside("mirostat", mirostat.tau, "0–100");
        }
        if !(mirostat.eta > 0.0 && mirostat.eta <= 10.0) {
            return outside("mirostat-eta", mirostat.eta, "0–10");
        }
    }
    if let Some(beams) = &spec.beams {
        if !(2..=MAX_BEAMS).contains(&beams.n) {
            return outside("num-beams", beams.n as f32, &format!("2–{MAX_BEAMS}"));
        }
        if !(-10.0..=10.0).contains(&beams.length_penalty) {
            return outside("length-penalty", beams.length_penalty, "−10–10");
        }
    }
    if !(spec.repetition_penalty > 0.0 && spec.repetition_penalty <= 100.0) {
        return outside("repetition-penalty", spec.repetition_penalty, "0–100");
    }
    for (name, value) in
        [("frequency-penalty", spec.frequency_penalty), ("presence-penalty", spec.presence_penalty)]
    {
        if !(-100.0..=100.0).contains(&value) {
            return outside(name, value, "−100–100");
        }
    }
    Ok(())
}
