//! What the inspection wrote, read back and checked: the attention to draw, and numbers that tell it is right.

use super::cannot_write;
use glassworks_protocol::generate::Reply;
use glassworks_protocol::inspect::InspectReport;
use glassworks_protocol::text::Text;
use glassworks_protocol::{Failure, FailureKind};
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// One head's attention, and how the whole capture holds together.
pub struct Seen {
    pub layer: usize,
    pub head: usize,
    pub n_tokens: usize,
    /// `[T, S]`, row after row: row = reads, column = is read.
    pub map: Vec<f32>,
    /// Over all layers, heads and rows: the furthest that a row's sum is from 1.
    pub worst_row: f32,
    /// Over the reply's tokens in the text: the furthest that the probability while writing, with the cache, is
    /// from the one of this single pass; natural logarithms. Absent when the text splits into other tokens.
    pub worst_logprob: Option<f32>,
    /// How many tokens that was measured over.
    pub n_compared: usize,
}

impl Seen {
    /// # Errors
    /// When the file cannot be read or is not what an inspection writes.
    pub fn read(path: &Path, report: &InspectReport, reply: &Reply) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| cannot_write(path, &error))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| broken(path, &error.to_string()))?;
        let n_tokens = report.tokens.len();
        let mut seen = Self {
            layer: 0,
            head: 0,
            n_tokens,
            map: Vec::new(),
            worst_row: 0.0,
            worst_logprob: None,
            n_compared: 0,
        };
        let mut best = f32::MIN;
        for layer in 0..report.n_layers as usize {
            let (values, shape) = floats(&file, &format!("attention.{layer}"), path)?;
            if shape != [report.n_heads as usize, n_tokens, n_tokens] {
                return Err(broken(path, "the attention has another shape"));
            }
            for (head, map) in values.chunks_exact((n_tokens * n_tokens).max(1)).enumerate() {
                for row in map.chunks_exact(n_tokens) {
                    seen.worst_row = seen.worst_row.max((row.iter().sum::<f32>() - 1.0).abs());
                }
                let score = looks_elsewhere(map, n_tokens);
                if score > best {
                    best = score;
                    (seen.layer, seen.head, seen.map) = (layer, head, map.to_vec());
                }
            }
        }
        let (logits, shape) = floats(&file, "logits", path)?;
        if let [rows, vocabulary] = shape[..]
            && rows == n_tokens
        {
            seen.compare(&logits, vocabulary, report, reply);
        }
        Ok(seen)
    }

    /// Compares what this pass gives the reply's tokens with what was recorded while they were written.
    fn compare(&mut self, logits: &[f32], vocabulary: usize, report: &InspectReport, reply: &Reply) {
        let n_prompt = reply.stats.n_prompt as usize;
        let inside = report.tokens.get(n_prompt..).unwrap_or_default();
        let n_same = inside.iter().zip(&reply.tokens).take_while(|((id, _), token)| *id == token.id).count();
        if n_prompt == 0 || n_same == 0 {
            return;
        }
        let differences = reply.tokens[..n_same].iter().enumerate().map(|(at, token)| {
            // Position t predicts token t + 1.
            let row = &logits[(n_prompt + at - 1) * vocabulary..][..vocabulary];
            let logprob = row.get(token.id as usize).map_or(f32::INFINITY, |logit| logit - log_sum_exp(row));
            (logprob - token.logprob).abs()
        });
        self.worst_logprob = differences.reduce(f32::max);
        self.n_compared = n_same;
    }
}

fn log_sum_exp(row: &[f32]) -> f32 {
    let max = row.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = row.iter().map(|x| f64::from(x - max).exp()).sum();
    max + sum.ln() as f32
}

/// How far a head looks at something other than itself and the first token, which draws attention always.
fn looks_elsewhere(map: &[f32], n_tokens: usize) -> f32 {
    let rows = map.chunks_exact(n_tokens.max(1)).enumerate().skip(2);
    rows.map(|(query, row)| row[1..query].iter().copied().fold(0.0, f32::max)).sum()
}

fn floats(file: &SafeTensors<'_>, name: &str, path: &Path) -> Result<(Vec<f32>, Vec<usize>), Failure> {
    let tensor = file.tensor(name).map_err(|error| broken(path, &error.to_string()))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(broken(path, "not f32"));
    }
    let (chunks, _) = tensor.data().as_chunks::<4>();
    Ok((chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(), tensor.shape().to_vec()))
}

fn broken(path: &Path, detail: &str) -> Failure {
    Failure::new(FailureKind::Bug, Text::new("cli.tour.broken_capture").arg("path", path.display()))
        .hint(Text::new("cli.engine_ended_hint"))
        .detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_that_looks_elsewhere_is_found() {
        let own = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let previous = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        assert_eq!(looks_elsewhere(&own, 3), 0.0);
        assert_eq!(looks_elsewhere(&previous, 3), 1.0);
    }

    #[test]
    fn log_sum_exp_does_not_overflow() {
        assert!((log_sum_exp(&[1000.0, 1000.0]) - (1000.0 + 2f32.ln())).abs() < 1e-3);
    }
}
