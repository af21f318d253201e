//! Training a tokenizer on a text: byte-level BPE as GPT-2 has it (Radford et al. 2019), so that any text can be
//! written and nothing is unknown.

use anyhow::{Result, anyhow};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, ModelWrapper, Tokenizer};

/// Ends a document.
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// What ChatML writes around a turn: a model can learn to converse later.
const TURNS: [&str; 2] = ["<|im_start|>", "<|im_end|>"];

/// A tokenizer of at most `vocab_size` tokens as tokenizer.json has it, and how many tokens it has: special ones, the
/// 256 bytes, and what is most often side by side in `texts`. The same texts make the same bytes.
///
/// # Errors
/// When the library that computes it cannot.
pub fn byte_level(texts: &[String], vocab_size: usize) -> Result<(String, usize)> {
    let special = |text: &str| AddedToken::from(text, true);
    let trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        // A pair that is there once is no pattern.
        .min_frequency(2)
        .special_tokens([END_OF_TEXT].into_iter().chain(TURNS).map(special).collect())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    let mut tokenizer = Tokenizer::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let mut trainer = TrainerWrapper::BpeTrainer(trainer);
    tokenizer.train(&mut trainer, texts.iter().map(String::as_str)).map_err(|e| anyhow!(e))?;
    debug_assert!(matches!(tokenizer.get_model(), ModelWrapper::BPE(_)));
    let n_tokens = tokenizer.get_vocab_size(true);
    Ok((tokenizer.to_string(true).map_err(|e| anyhow!(e))?, n_tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_makes_the_same_tokenizer_and_any_text_comes_back() {
        let texts: Vec<String> =
            (0..200).map(|i| format!("The {} hare sat by the river, said Alice.\n", i % 7)).collect();
        let (json, n_tokens) = byte_level(&texts, 290).expect("it trains");
        assert_eq!(n_tokens, 290);
        for _ in 0..3 {
            assert!(byte_level(&texts, 290).expect("it trains").0 == json, "not the same bytes");
        }
        let tokenizer: Tokenizer = json.parse().expect("it reads");
        for text in ["The hare, said Alice.", "naïve 你好 🐇\t\u{0}", " two  spaces\n\n"] {
            let ids = tokenizer.encode(text, true).expect("it encodes");
            assert_eq!(tokenizer.decode(ids.get_ids(), false).expect("it decodes"), text);
        }
        assert!(tokenizer.encode(texts[0].as_str(), true).expect("it encodes").len() < 25);
        let ids = tokenizer.encode("<|im_end|><|endoftext|>", true).expect("it encodes");
        assert_eq!(ids.get_ids(), [2, 0]);
        // Text without a pattern makes no more tokens than bytes and special ones.
        assert_eq!(byte_level(&["a".to_owned()], 320).expect("it trains").1, 259);
    }
}
