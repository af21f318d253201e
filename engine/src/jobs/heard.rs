//! What a reply that is not told token by token comes to.

use crate::generate::decode::Listener;
use crate::job_cx::JobCx;
use anyhow::Result;
use glassworks_protocol::generate::TokenPiece;

/// Gathers what is written, and how likely it was.
pub struct Heard<'a> {
    cx: &'a JobCx,
    pub text: String,
    n: u32,
    logprob: f64,
}

impl<'a> Heard<'a> {
    pub fn new(cx: &'a JobCx) -> Self {
        Self { cx, text: String::new(), n: 0, logprob: 0.0 }
    }

    /// exp of the mean negative log-probability, in nats, of the tokens; `None` before the first.
    pub fn perplexity(&self) -> Option<f32> {
        (self.n > 0).then(|| (-self.logprob / f64::from(self.n)).exp() as f32)
    }
}

impl Listener for Heard<'_> {
    fn checkpoint(&self) -> Result<()> {
        self.cx.checkpoint()
    }

    fn reading(&mut self, _: usize, _: usize) {}

    fn prompt_read(&mut self, _: usize, _: usize) {}

    fn pieces(&mut self, pieces: Vec<TokenPiece>) -> Result<()> {
        for piece in pieces {
            self.text.push_str(&piece.text);
            self.n += 1;
            self.logprob += f64::from(piece.logprob);
        }
        Ok(())
    }
}
