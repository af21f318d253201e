//! A recipe from disk, for the command line and the window alike: TOML, as the JSON that it means.

use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use serde_json::{Map, Value};
use std::io::Read as _;
use std::path::Path;

/// Far more than a recipe takes.
const MOST_BYTES: u64 = 1 << 20;

/// # Errors
/// `Missing`, `Io` or `Input` naming the file: not there, not readable, too long, no TOML.
pub fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let text = text(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => FailureKind::Missing,
            _ => FailureKind::Io,
        };
        Failure::new(kind, Text::new("failure.data_unreadable").arg("file", path.display()))
            .hint(Text::new("failure.data_unreadable_hint"))
            .detail(error.to_string())
    })?;
    toml::from_str(&text).map_err(|error| {
        Failure::new(FailureKind::Input, Text::new("cli.recipe_syntax").arg("file", path.display()))
            .hint(Text::new("cli.recipe_syntax_hint"))
            .detail(error.to_string())
    })
}

fn text(path: &Path) -> std::io::Result<String> {
    // Not a pipe, which might wait for ever.
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("not an ordinary file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(std::io::Error::other(format!("longer than {MOST_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_recipe_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recipe.toml");
        let kind = |path: &Path| read(path).expect_err("no recipe").kind;
        assert_eq!(kind(&path), FailureKind::Missing);
        assert_eq!(kind(folder.path()), FailureKind::Io);
        std::fs::write(&path, "model = ").expect("written");
        assert_eq!(kind(&path), FailureKind::Input);
        std::fs::write(&path, "#".repeat(MOST_BYTES as usize + 1)).expect("written");
        assert_eq!(kind(&path), FailureKind::Io);
        std::fs::write(&path, "model = \"starter\"\n[method]\nrank = 4").expect("written");
        assert_eq!(read(&path).expect("a recipe")["method"]["rank"], 4);
    }
}
