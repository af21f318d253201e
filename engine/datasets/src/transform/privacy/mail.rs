//! E-mail addresses (RFC 5321, as people write them).

use super::Found;
use super::context::{after, before, constant, is_word};
use glassworks_protocol::datasets::transform::PrivacyKind;
use regex::Regex;
use std::sync::LazyLock;

static MAIL: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"[\p{Latin}0-9_](?:[\p{Latin}0-9._%+'-]*[\p{Latin}0-9_+-])?@(?:[\p{Latin}0-9](?:[\p{Latin}0-9-]*[\p{Latin}0-9])?\.)+[\p{Latin}]{2,24}",
    )
});

/// Ends of file names, which no address has.
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "html", "txt", "mp4", "pdf", "scss"];

pub fn find(text: &str, found: &mut Vec<Found>) {
    for one in MAIL.find_iter(text) {
        if is_mail(text, one.start(), one.end()) {
            found.push(Found { kind: PrivacyKind::Email, at: one.range() });
        }
    }
}

fn is_mail(text: &str, start: usize, end: usize) -> bool {
    let Some((local, domain)) = text[start..end].split_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let version =
        |label: &str| label.trim_start_matches(['v', 'V']).bytes().all(|byte| byte.is_ascii_digit());
    let word = text[..start].rsplit(char::is_whitespace).next().unwrap_or_default();
    let around = before(text, start).is_some_and(|one| matches!(one, '@' | '/' | '.') || is_word(one))
        || after(text, end).is_some_and(|one| one == '@' || is_word(one));
    // `user:password@host` of an address of the web, `git@host:path` of a repository, a prompt of a shell.
    let of_machine = word.contains("://")
        || ["/", "~"].iter().any(|path| text[end..].starts_with(&format!(":{path}")))
        || local == "git" && text[end..].starts_with([':', '/']);
    !around
        && !of_machine
        && !local.contains("..")
        && local.len() <= 64
        && !FILES.contains(&top.to_ascii_lowercase().as_str())
        && !host.split('.').all(version)
}
