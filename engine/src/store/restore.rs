//!
use glassworks_protocol::{Failure, Notice};
use std::path::Path;
pub(crate) fn apply_pending(_home: &Path) -> Result<Vec<Notice>, Failure> {
    Ok(Vec::new())
}
