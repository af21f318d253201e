//! Reads a template's syntax, as transformers sets jinja2 up: blocks trimmed, loop controls, `{% generation %}`.

use super::filters::MARK_ANSWER;
use super::render::{Answers, RenderError};
use minijinja::machinery::ast::Stmt;
use minijinja::machinery::{parse, tokenize};
use minijinja::syntax::SyntaxConfig;

/// Real templates stay under a tenth of these. They bound how deep the syntax tree of a hostile one can be.
const MAX_BYTES: usize = 256 << 10;
const MAX_TOKENS: usize = 30_000;

/// The source ready for [`syntax_tree`].
pub(super) fn prepare(source: &str, answers: Answers) -> Result<String, RenderError> {
    let refuse = |why: &str| Err(RenderError::Limit { why: why.into(), line: 1 });
    if source.len() > MAX_BYTES {
        return refuse("the template is longer than 256 KiB");
    }
    let source = plain_generation_blocks(source, answers);
    if tokenize(&source, false, syntax()).take(MAX_TOKENS + 1).count() > MAX_TOKENS {
        return refuse("the template has more than 30000 tokens");
    }
    Ok(source)
}

pub(super) fn syntax_tree(source: &str) -> Result<Stmt<'_>, RenderError> {
    parse(source, "template", syntax()).map_err(|error| RenderError::Broken {
        why: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        line: error.line().and_then(|line| u32::try_from(line).ok()).unwrap_or(1),
    })
}

fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true);
    builder.build().unwrap_or_default()
}

/// Whether the template says itself what the assistant writes.
pub(super) fn marks_answers(source: &str) -> bool {
    source.len() <= MAX_BYTES
        && plain_generation_blocks(source, Answers::Plain) != plain_generation_blocks(source, Answers::Marked)
}

/// `{% generation %}` marks what the assistant wrote, for training; where nobody asks for the marks it is a block
/// with variables of its own.
fn plain_generation_blocks(source: &str, answers: Answers) -> String {
    let (begin, end) = match answers {
        Answers::Plain => ("with".to_owned(), "endwith"),
        Answers::Marked => (format!("filter {MARK_ANSWER}"), "endfilter"),
    };
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at + 2);
        out.push_str(before);
        let inner = tag.trim_start_matches(['-', '+']);
        let name = inner.trim_start();
        let (marker, plain) = if name.starts_with("endgeneration") {
            ("endgeneration", end)
        } else {
            ("generation", begin.as_str())
        };
        let after = name.strip_prefix(marker).filter(|after| {
            let end = after.trim_start();
            end.starts_with("%}") || end.starts_with("-%}") || end.starts_with("+%}")
        });
        rest = match after {
            Some(after) => {
                out.push_str(&tag[..tag.len() - name.len()]);
                out.push_str(plain);
                after
            }
            None => tag,
        };
    }
    out.push_str(rest);
    out
}
