//! JSON lines: an object on each.

use super::super::bad::{Bad, not_text, too_long};
use super::super::input::Window;
use super::super::lines::Lines;
use super::super::reader::{Got, RowReader};
use super::super::shapes::Shapes;
use super::{canonical, reason};
use anyhow::Result;
use glassworks_protocol::text::Text;

pub(in crate::formats) struct JsonLines {
    lines: Lines,
    shapes: Shapes,
}

impl JsonLines {
    pub fn new(window: Window) -> Self {
        Self { lines: Lines::new(window), shapes: Shapes::default() }
    }
}

impl RowReader for JsonLines {
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Got> {
        while let Some(found) = self.lines.next()? {
            let text = found.bytes;
            if found.cut {
                return Ok(Got::Bad(Bad::begun(found.row, too_long(), text)));
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            return Ok(match read(text, line, &mut self.shapes) {
                Ok(()) => Got::Row,
                Err(reason) => Got::Bad(Bad::new(found.row, reason, text)),
            });
        }
        Ok(Got::End)
    }

    fn window(&mut self) -> Option<&mut Window> {
        Some(&mut self.lines.window)
    }

    fn fields(&self) -> &[super::Field] {
        &self.shapes.fields
    }
}

/// Reads an object that is all of `text` into `line`.
pub(in crate::formats) fn read(text: &[u8], line: &mut Vec<u8>, shapes: &mut Shapes) -> Result<(), Text> {
    if let Some(reason) = not_text(text) {
        return Err(reason);
    }
    line.clear();
    let used = canonical(text, line, &mut shapes.fields).map_err(|fault| reason(text, fault))?;
    let rest = &text[used..];
    let after = rest.trim_ascii_start();
    if !after.is_empty() {
        let at = text.len() - after.len();
        return Err(reason(text, super::Fault { kind: super::FaultKind::Unexpected, at }));
    }
    if line.first() != Some(&b'{') {
        return Err(Text::new("data.bad_object"));
    }
    shapes.settle(line);
    Ok(())
}
