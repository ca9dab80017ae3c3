//! Recognises the many ways in which hosts say that a prompt is too long.

use vocab::Tokens;

/// Texts that mean it, in lower case.
const PHRASES: [&str; 20] = [
    // vLLM, OpenAI, SGLang, llama-cpp-python
    "maximum context length",
    "max context length",
    "maximum model length",
    "model's context length",
    "exceeds the maximum allowed length",
    "context_length_exceeded",
    "exceeds the context window",
    "exceed context window",
    "model's context window",
    // llama-server
    "available context size",
    "exceed_context_size_error",
    // Ollama, LM Studio
    "exceeds the context length",
    "exceeds maximum context length",
    "context length of only",
    "greater than the context length",
    // Z.ai, Azimuth, Anthropic
    "prompt exceeds max length",
    "prompt is too long",
    "exceed context limit",
    "input is too long for requested model",
    "model_context_window_exceeded",
];

/// What stands before the size of the window.
const WINDOW_AFTER: [&str; 15] = [
    "maximum context length is ",
    "maximum context length of ",
    "max context length of ",
    "maximum model length of ",
    "context length of only ",
    "model's context length (",
    "maximum allowed length (",
    "available context size (",
    "context window of ",
    "context length (",
    "context length of ",
    "context length is ",
    "tokens > ",
    "token limit of ",
    " > ",
];

/// What stands before the size of the prompt, the most exact first.
const PROMPT_AFTER: [&str; 11] = [
    "your request has ",
    "messages resulted in ",
    "decoder prompt (length ",
    "input length (",
    "the input (",
    "request (",
    "requested tokens (",
    "too long: ",
    "a total of ",
    "you requested ",
    "exceed context limit: ",
];

/// What stands after the size of the prompt, where the text tells it apart from the answer's.
const PROMPT_BEFORE: [&str; 2] = [" in the messages", " tokens from the input messages"];

/// What a host said about a prompt that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub prompt: Option<Tokens>,
    pub window: Option<Tokens>,
}

/// Reads a host's message; `None` if it is about something else.
pub(super) fn recognise(message: &str) -> Option<Numbers> {
    let text = message.to_lowercase();
    if !PHRASES.iter().any(|phrase| text.contains(phrase)) {
        return None;
    }
    let window = WINDOW_AFTER.iter().find_map(|phrase| number_after(&text, phrase));
    let fits = |prompt: &Tokens| window.is_none_or(|window| *prompt > window);
    let prompt_alone = PROMPT_BEFORE.iter().find_map(|phrase| number_before(&text, phrase));
    let prompt_or_total = PROMPT_AFTER.iter().find_map(|phrase| number_after(&text, phrase));

    // vLLM complains in the same words about a `max_tokens` that leaves no room. Where the prompt alone
    // would fit, the sum is what was too long.
    if prompt_alone.is_none() && prompt_or_total.is_some() && !prompt_or_total.is_some_and(|n| fits(&n)) {
        return None;
    }
    Some(Numbers { prompt: prompt_alone.filter(fits).or(prompt_or_total), window })
}

fn number_after(text: &str, phrase: &str) -> Option<Tokens> {
    let at = text.find(phrase)? + phrase.len();
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    text[at..at + digits].parse().ok().map(Tokens)
}

fn number_before(text: &str, phrase: &str) -> Option<Tokens> {
    let end = text.find(phrase)?;
    let digits = text[..end].bytes().rev().take_while(u8::is_ascii_digit).count();
    text[end - digits..end].parse().ok().map(Tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(prompt: u64, window: u64) -> Option<Numbers> {
        Some(Numbers { prompt: Some(Tokens(prompt)), window: Some(Tokens(window)) })
    }

    #[test]
    fn the_words_of_every_known_host_are_understood() {
        for (message, expected) in [
            // vLLM
            (
                "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (8000 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.",
                numbers(8000, 4096),
            ),
            (
                "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion).",
                numbers(5000, 4096),
            ),
            (
                "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens. Please reduce the length of the input messages.",
                numbers(5000, 4096),
            ),
            (
                "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller",
                numbers(5000, 4096),
            ),
            // SGLang
            (
                "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
                numbers(5000, 4096),
            ),
            (
                "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5100 tokens: 5000 tokens from the input messages and 100 tokens for the completion.",
                numbers(5000, 4096),
            ),
            (
                "Input length (5000 tokens) exceeds the maximum allowed length (4090 tokens). Use a shorter input",
                numbers(5000, 4090),
            ),
            // llama-server
            (
                "request (1003 tokens) exceeds the available context size (256 tokens), try increasing it",
                numbers(1003, 256),
            ),
            (
                "the request exceeds the available context size. try increasing the context size",
                Some(Numbers::default()),
            ),
            // llama-cpp-python
            ("Requested tokens (3031) exceed context window of 2048", numbers(3031, 2048)),
            // OpenAI
            (
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
                numbers(130_000, 128_000),
            ),
            ("Your input exceeds the context window of this model.", Some(Numbers::default())),
            // Ollama, LM Studio
            ("the input length exceeds the context length", Some(Numbers::default())),
            ("prompt too long; exceeded max context length by 12 tokens", Some(Numbers::default())),
            // Z.ai, Azimuth, Anthropic
            ("Prompt exceeds max length", Some(Numbers::default())),
            (
                "Prompt exceeds max length: prompt is too long: 210000 tokens > 202752 maximum. This model's maximum context length is 202752 tokens.",
                numbers(210_000, 202_752),
            ),
            ("prompt is too long: 210000 tokens > 200000 maximum", numbers(210_000, 200_000)),
            (
                "input length and `max_tokens` exceed context limit: 210000 + 32000 > 200000, decrease input length",
                numbers(210_000, 200_000),
            ),
            // About something else.
            (
                "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length",
                None,
            ),
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request has 11 input tokens (5000 > 4096 - 11).",
                None,
            ),
            ("temperature must be between 0 and 2", None),
            ("", None),
        ] {
            assert_eq!(recognise(message), expected, "{message}");
        }
    }
}
