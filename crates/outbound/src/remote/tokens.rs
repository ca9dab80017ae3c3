//! Asks a host how long a prompt is.

use inference::{ChatRequest, EngineError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use vocab::Tokens;

use super::config::Tokenize;
use super::meter::estimate_prompt;
use super::{RemoteEngine, anthropic, body};

impl RemoteEngine {
    /// The host's own count where it has one, else an estimate of four bytes a token.
    pub(super) async fn count(&self, request: &ChatRequest) -> Result<Tokens, EngineError> {
        match self.config.tokenize {
            Tokenize::Estimate => Ok(estimate_prompt(request)),
            Tokenize::Vllm => self.count_vllm(request).await,
            Tokenize::LlamaServer => self.count_llama_server(request).await,
            Tokenize::ZAi => self.count_zai(request).await,
            Tokenize::Anthropic => self.count_anthropic(request).await,
        }
    }

    async fn count_vllm(&self, request: &ChatRequest) -> Result<Tokens, EngineError> {
        #[derive(Deserialize)]
        struct Counted {
            count: u64,
        }
        let body = body::prompt_only(&self.config, request)?;
        let counted: Counted = self.ask(&self.endpoints.tokenize, body.into()).await?;
        Ok(Tokens(counted.count))
    }

    async fn count_llama_server(&self, request: &ChatRequest) -> Result<Tokens, EngineError> {
        #[derive(Deserialize)]
        struct Rendered {
            prompt: String,
        }
        #[derive(Deserialize)]
        struct Tokenized {
            tokens: Vec<IgnoredAny>,
        }
        let body = body::prompt_only(&self.config, request)?;
        let rendered: Rendered = self.ask(&self.endpoints.apply_template, body.into()).await?;
        // As the server itself does before it generates.
        let body = json!({"content": rendered.prompt, "add_special": true, "parse_special": true});
        let tokenized: Tokenized =
            self.ask(&self.endpoints.tokenize, body.to_string().into_bytes().into()).await?;
        Ok(Tokens::from(tokenized.tokens.len()))
    }

    async fn count_zai(&self, request: &ChatRequest) -> Result<Tokens, EngineError> {
        #[derive(Deserialize)]
        struct Counted {
            usage: Figures,
        }
        #[derive(Deserialize)]
        struct Figures {
            prompt_tokens: u64,
            #[serde(default)]
            total_tokens: u64,
        }
        let body = body::prompt_only(&self.config, request)?;
        let counted: Counted = self.ask(&self.endpoints.zai_tokenizer, body.into()).await?;
        // Pictures and films are counted beside the text.
        Ok(Tokens(counted.usage.total_tokens.max(counted.usage.prompt_tokens)))
    }

    async fn count_anthropic(&self, request: &ChatRequest) -> Result<Tokens, EngineError> {
        #[derive(Deserialize)]
        struct Counted {
            input_tokens: u64,
        }
        let question = anthropic::prompt_only(&self.config, request)?;
        let counted: Counted = self.ask(&self.endpoints.count_tokens, question).await?;
        Ok(Tokens(counted.input_tokens))
    }
}
