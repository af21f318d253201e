//! A path as people type and paste it: with quotes around it, from `~`, or as a `file://` address.

use std::path::{Path, PathBuf};

/// The path that `text` means; `None` when it is blank. `user_folder` is what `~` stands for.
#[must_use]
pub fn typed_path(text: &str, user_folder: Option<&Path>) -> Option<PathBuf> {
    let text = text.trim();
    let quoted = ['"', '\''].iter().find_map(|q| text.strip_prefix(*q)?.strip_suffix(*q));
    let bare = quoted.unwrap_or(text).trim();
    if bare.is_empty() {
        return None;
    }
    if let Some(rest) = bare.strip_prefix("file://") {
        let path = rest.strip_prefix("localhost").filter(|rest| rest.starts_with('/')).unwrap_or(rest);
        return Some(PathBuf::from(unescaped(path)));
    }
    let below_user = bare.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']));
    match (below_user, user_folder) {
        (Some(rest), Some(folder)) => Some(folder.join(rest.trim_start_matches(['/', '\\']))),
        _ => Some(PathBuf::from(bare)),
    }
}

/// With `%e7` and the like turned back into bytes, as file managers write what is not ASCII. What comes out as
/// no text at all was never escaped.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_understood_as_people_paste_them() {
        let check = |typed: &str, path: &str| {
            let found = typed_path(typed, Some(Path::new("/home/ada")));
            assert_eq!(found.as_deref(), Some(Path::new(path)), "{typed}");
        };
        check(" /a b/c ", "/a b/c");
        check("\"/a b\"", "/a b");
        check("'/a'", "/a");
        check("\"", "\"");
        check("file:///a", "/a");
        check("file://localhost/a%20b", "/a b");
        check("file:///%E6%A8%A1%E5%9E%8B.gguf", "/模型.gguf");
        check("file:///100%25", "/100%");
        check("file:///100%", "/100%");
        check("file:///%ff", "/%ff");
        check("/100%25", "/100%25");
        check("~", "/home/ada");
        check("~/models/m.gguf", "/home/ada/models/m.gguf");
        check("~ada/m", "~ada/m");
        check("模型/m.gguf", "模型/m.gguf");
        assert_eq!(typed_path("~/m", None), Some(PathBuf::from("~/m")));
        for blank in ["", "  ", "\"\"", "' '"] {
            assert_eq!(typed_path(blank, None), None, "{blank}");
        }
    }
}
