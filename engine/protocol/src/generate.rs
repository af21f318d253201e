//! Asking a model to write, and what comes back.

use crate::chat::{ChatRecord, MessageRecord, TemplateOptions, TemplateSource, Turn};
use crate::ids::{MessageId, ModelId};
use crate::model::{CacheWidth, Precision};
use crate::train::{AdapterSource, TunedSource};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which model: one of the library, or files anywhere (the command line's way).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ModelSource {
    Library(ModelId),
    /// A folder or a GGUF file, not entered into the library.
    Path(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerateSpec {
    pub model: ModelSource,
    /// Laid beside the model's weights.
    #[serde(default)]
    pub adapter: Option<AdapterSource>,
    /// What a run has made of the model, in place of `adapter`.
    #[serde(default)]
    pub tuned: Option<TunedSource>,
    pub prompt: Prompt,
    pub sampling: SamplingSpec,
    pub precision: Precision,
    #[serde(default)]
    pub cache: CacheWidth,
    pub overflow: Overflow,
    /// Where to keep it; `None` keeps nothing (the command line's way).
    pub keep: Option<KeepReply>,
}

/// What to do with a prompt that leaves no room for a reply in the model's context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overflow {
    /// A failure that says so.
    #[default]
    Refuse,
    /// Leave out the oldest turns (never the system prompt), or the beginning of a text, and tell how much.
    DropOldest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Prompt {
    /// Text as it is; special tokens as the tokenizer says.
    Text(String),
    /// Turns, through the model's chat template.
    Chat { turns: Vec<Turn>, template: TemplateOptions },
}

/// Where a reply goes. Everything is saved before the model starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeepReply {
    /// Made if it is not there yet; otherwise left as it is but for its leaf.
    pub chat: ChatRecord,
    /// The person's new message, if there is one.
    pub question: Option<MessageRecord>,
    /// The reply's own id. If a message of this id exists, its tokens are kept and the reply goes on from there.
    pub reply: MessageId,
    pub parent: Option<MessageId>,
    /// Parts from another reply; of no use where the reply exists already.
    #[serde(default)]
    pub branch: Option<BranchSpec>,
}

/// A reply that begins as another one does, takes what a person put there, and goes its own way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BranchSpec {
    /// A reply of the same chat.
    pub of: MessageId,
    /// So many of its tokens are kept, with what was measured of them.
    pub n_kept: u32,
    /// What follows them, whatever the model makes of it.
    pub then: Forced,
}

/// Tokens that are not drawn but put there; their probabilities are measured all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forced {
    Token(u32),
    /// As the tokenizer splits it, without special tokens.
    Text(String),
}

/// How the next token is chosen. Filters apply in the order of the fields, after the penalties.
///
/// Order and arithmetic follow the logits processors of Hugging Face transformers: repetition penalty
/// (Keskar et al. 2019), frequency and presence penalties (OpenAI's definition), temperature, top-k, top-p
/// (Holtzman et al. 2020), min-p (Nguyen et al. 2024), typical sampling (Meister et al. 2022). Mirostat (Basu et al.
/// 2021) takes the place of the four filters. Beams draw nothing: temperature and filters do not apply to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplingSpec {
    /// 0 chooses the likeliest token always.
    pub temperature: f32,
    /// Keep the k likeliest.
    pub top_k: Option<u32>,
    /// Keep the likeliest tokens whose probabilities reach p together.
    pub top_p: Option<f32>,
    /// Keep tokens at least this fraction as likely as the likeliest.
    pub min_p: Option<f32>,
    /// Keep the tokens whose surprise is nearest to the expected one and whose probabilities reach this together.
    pub typical_p: Option<f32>,
    /// Keep surprise near a target, in place of top-k, top-p, min-p and typical sampling.
    pub mirostat: Option<MirostatSpec>,
    /// Several texts side by side, of which the likeliest is the reply; `None` writes one.
    pub beams: Option<BeamSpec>,
    /// 1 for none.
    pub repetition_penalty: f32,
    pub frequency_penalty: f32,
    pub presence_penalty: f32,
    /// The same seed gives the same text; `None` draws a fresh one, reported in [`ReplyStats::seed`].
    pub seed: Option<u64>,
    /// Ends the reply, and is not part of it.
    pub stop: Vec<String>,
    pub max_new_tokens: u32,
    /// Go on past the model's end-of-text tokens.
    pub ignore_eos: bool,
    /// A JSON schema that the reply follows from its first character to its last.
    pub json_schema: Option<String>,
}

impl Default for SamplingSpec {
    fn default() -> Self {
        SamplingPreset::Balanced.spec()
    }
}

/// Beams at most.
pub const MAX_BEAMS: u32 = 16;

/// Beam search as transformers' `generate(num_beams=…, do_sample=False)` does it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BeamSpec {
    /// 2 to [`MAX_BEAMS`].
    pub n: u32,
    /// A text's log-probability is divided by its length to this power: above 0 favours long ones, below 0 short ones.
    pub length_penalty: f32,
    pub early_stopping: EarlyStopping,
}

impl Default for BeamSpec {
    fn default() -> Self {
        Self { n: 4, length_penalty: 1.0, early_stopping: EarlyStopping::No }
    }
}

/// When a beam search is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EarlyStopping {
    /// Once as many texts have ended as there are beams.
    Yes,
    /// Once no better one is likely to come.
    #[default]
    No,
    /// Once no better one can come.
    Never,
}

/// Mirostat 2 (Basu et al. 2021, arXiv 2007.14966). What it has learnt of a text is not kept: a reply that goes on
/// begins with the bound it began with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MirostatSpec {
    /// The surprise it aims at, in bits a token.
    pub tau: f32,
    /// How fast it gets there.
    pub eta: f32,
}

impl Default for MirostatSpec {
    fn default() -> Self {
        Self { tau: 5.0, eta: 0.1 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SamplingPreset {
    /// The likeliest token always.
    Steady,
    Balanced,
    Playful,
}

impl SamplingPreset {
    pub const ALL: [Self; 3] = [Self::Steady, Self::Balanced, Self::Playful];

    #[must_use]
    pub fn spec(self) -> SamplingSpec {
        let plain = SamplingSpec {
            temperature: 0.0,
            top_k: None,
            top_p: None,
            min_p: None,
            typical_p: None,
            mirostat: None,
            beams: None,
            repetition_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            seed: None,
            stop: Vec::new(),
            max_new_tokens: 512,
            ignore_eos: false,
            json_schema: None,
        };
        match self {
            Self::Steady => plain,
            Self::Balanced => SamplingSpec {
                temperature: 0.7,
                top_k: Some(40),
                top_p: Some(0.9),
                repetition_penalty: 1.05,
                ..plain
            },
            Self::Playful => SamplingSpec { temperature: 1.0, min_p: Some(0.05), ..plain },
        }
    }

    /// The preset that `spec` is, seed, stop strings and length aside.
    #[must_use]
    pub fn of(spec: &SamplingSpec) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| {
            let p = preset.spec();
            p.temperature == spec.temperature
                && p.top_k == spec.top_k
                && p.top_p == spec.top_p
                && p.min_p == spec.min_p
                && p.typical_p == spec.typical_p
                && p.mirostat == spec.mirostat
                && p.beams == spec.beams
                && p.repetition_penalty == spec.repetition_penalty
                && p.frequency_penalty == spec.frequency_penalty
                && p.presence_penalty == spec.presence_penalty
        })
    }
}

/// One token as it was written, with what else might have been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenPiece {
    pub id: u32,
    /// The text it completed: never half a character, so possibly empty. Joined pieces are the exact text.
    pub text: String,
    /// Natural logarithm of the model's own probability, before penalties and filters.
    pub logprob: f32,
    /// Probability after penalties and filters: what was drawn from.
    pub sampled_prob: f32,
    /// 0 for the likeliest by the model's own probabilities.
    pub rank: u32,
    /// Of the model's own distribution over the whole vocabulary, in nats.
    pub entropy: f32,
    /// The 20 likeliest by the model's own probabilities, in order.
    pub top: Vec<Alternative>,
}

impl TokenPiece {
    /// −log2 of the model's own probability.
    #[must_use]
    pub fn surprisal_bits(&self) -> f32 {
        -self.logprob / std::f32::consts::LN_2
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    pub id: u32,
    /// The token alone, decoded; bytes that are no character show as U+FFFD.
    pub text: String,
    /// The model's own probability.
    pub prob: f32,
    /// Probability after penalties and filters, 0 when they removed it.
    pub sampled_prob: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplyStats {
    pub n_prompt: u32,
    /// How many of the prompt's tokens were already in the cache.
    pub n_reused: u32,
    /// Tokens of the prompt that did not fit and were left out; see [`Overflow::DropOldest`].
    #[serde(default)]
    pub n_dropped: u32,
    pub n_new: u32,
    /// From start to first token, in seconds; model loading not counted.
    pub first_token_secs: f32,
    /// Tokens per second after the first one; 0 with fewer than two tokens.
    pub tokens_per_sec: f32,
    pub context_used: u32,
    pub context_length: u32,
    pub seed: u64,
    pub finish: FinishReason,
    pub precision: Precision,
    /// Set for chats.
    pub template: Option<TemplateSource>,
    /// The step of its run that the weights came from, where a run had made them.
    #[serde(default)]
    pub tuned_step: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FinishReason {
    /// The model ended the text.
    EndOfText,
    /// This stop string appeared.
    StopString(String),
    /// The maximum number of tokens was reached.
    Length,
    /// The model's context is full.
    ContextFull,
    /// A person stopped it.
    Cancelled,
}

/// A whole reply, as [`crate::JobOutput::Replied`] carries it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The joined pieces; a stop string is not part of it. An end-of-text token is the last piece, without text.
    pub text: String,
    pub tokens: Vec<TokenPiece>,
    pub stats: ReplyStats,
}

/// What the model would be given: the template's output, and how many tokens it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptPreview {
    pub text: String,
    pub n_tokens: u32,
    pub context_length: u32,
    pub template: Option<TemplateSource>,
}
