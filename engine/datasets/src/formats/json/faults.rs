//! What a person is told of broken JSON.

use super::canon::{Fault, FaultKind};
use glassworks_protocol::text::Text;

/// The reason why `source` is no row; columns are characters of the line, counted from 1.
pub(in crate::formats) fn reason(source: &[u8], fault: Fault) -> Text {
    let before = &source[..fault.at.min(source.len())];
    let line = memchr::memrchr2(b'\n', b'\r', before).map_or(before, |end| &before[end + 1..]);
    let column = String::from_utf8_lossy(line).chars().count() + 1;
    let key = match fault.kind {
        FaultKind::Ended => "data.bad_json_ended",
        FaultKind::Unexpected => "data.bad_json",
        FaultKind::Escape => "data.bad_json_escape",
        FaultKind::Control => "data.bad_json_control",
        FaultKind::Number => "data.bad_json_number",
        FaultKind::TooDeep => "data.bad_json_deep",
        FaultKind::KeyTwice => "data.bad_json_twice",
    };
    let text = Text::new(key).arg("column", column);
    if fault.kind != FaultKind::Unexpected {
        return text;
    }
    let rest =
        String::from_utf8_lossy(&source[fault.at.min(source.len())..][..4.min(source.len() - fault.at)]);
    text.arg("found", rest.chars().next().unwrap_or(' '))
}
