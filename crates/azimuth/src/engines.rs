//! From the configuration of an engine to the engine.

use std::path::PathBuf;
use std::time::Duration;

use inference::parser::Generation;
use outbound::remote::{Kind, PassThinking, RemoteConfig, Timeouts, Tokenize};
use vocab::{Secret, Tokens};

use crate::config::{EngineConfig, EngineKind, RawOutput, ThinkingStyle, TokenizerStyle};
use crate::data_folder::DataFolder;

/// The file an embedded engine runs.
pub(crate) fn model_file(about: &EngineConfig, folder: &DataFolder) -> anyhow::Result<PathBuf> {
    match &about.file {
        Some(file) => Ok(folder.find_model(file)),
        None => folder.demo_model(),
    }
}

/// A host elsewhere; `None` for embedded engines.
pub(crate) fn remote_config(about: &EngineConfig) -> Option<RemoteConfig> {
    let kind = match about.kind {
        EngineKind::Embedded => return None,
        EngineKind::Openai => Kind::OpenAi,
        EngineKind::Zai => Kind::ZAi,
        EngineKind::Anthropic => Kind::Anthropic,
    };
    let base_url = about.base_url.clone().unwrap_or_default();
    let model = about.model.clone().unwrap_or_default();
    let mut remote = RemoteConfig::new(about.name.clone(), kind, base_url, model);
    remote.key = about.key_env.as_ref().and_then(|variable| std::env::var(variable).ok()).map(Secret::new);
    remote.concurrency_max = about.concurrency_max;
    remote.context_window = about.context_tokens.map(Tokens);
    remote.supports_json_schema = about.json_schema;
    remote.sends_reasoning |= about.unsigned_thinking;
    remote.supports_usage_continuous = about.running_usage;
    remote.raw_text = about.raw_output.map(|generation| match generation {
        RawOutput::A => Generation::A,
        RawOutput::B => Generation::B,
    });
    if let Some(thinking) = about.thinking {
        remote.thinking = match thinking {
            ThinkingStyle::Template => PassThinking::TemplateArguments,
            ThinkingStyle::Adaptive => PassThinking::Adaptive,
            ThinkingStyle::None => PassThinking::Omit,
        };
        // A template can only keep the reasoning of earlier turns (rule THINK-03) if it gets it.
        remote.sends_reasoning |= thinking == ThinkingStyle::Template;
    }
    if let Some(tokenizer) = about.tokenizer {
        remote.tokenize = match tokenizer {
            TokenizerStyle::Vllm => Tokenize::Vllm,
            TokenizerStyle::LlamaServer => Tokenize::LlamaServer,
            TokenizerStyle::None => Tokenize::Estimate,
        };
    }
    if let Some(timeouts) = &about.timeouts {
        remote.timeouts = Timeouts {
            connect: Duration::from_secs(timeouts.connect),
            first_token: Duration::from_secs(timeouts.first_token),
            idle: Duration::from_secs(timeouts.idle),
        };
    }
    Some(remote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(more: &str) -> RemoteConfig {
        let about = format!("name = 'h'\nkind = 'openai'\nbase_url = 'http://h/v1'\nmodel = 'm'\n{more}");
        remote_config(&toml::from_str(&about).unwrap()).unwrap()
    }

    /// THINK-03: a host whose template is told to keep the reasoning of earlier turns is also sent it.
    #[test]
    fn a_host_that_is_told_to_keep_reasoning_gets_it() {
        assert!(host("thinking = 'template'").sends_reasoning);
        assert!(!host("thinking = 'none'").sends_reasoning);
        assert!(!host("").sends_reasoning);
    }

    /// Anthropic itself works as it is; a host that is not as strict is told more.
    #[test]
    fn a_host_of_anthropics_dialect_is_held_to_be_strict() {
        let host = |more: &str| {
            let about =
                format!("name = 'c'\nkind = 'anthropic'\nbase_url = 'https://h/v1'\nmodel = 'm'\n{more}");
            remote_config(&toml::from_str(&about).unwrap()).unwrap()
        };
        assert_eq!((host("").kind, host("").tokenize), (Kind::Anthropic, Tokenize::Anthropic));
        assert!(!host("").sends_reasoning);
        assert!(host("unsigned_thinking = true").sends_reasoning);
        assert_eq!(host("thinking = 'adaptive'").thinking, PassThinking::Adaptive);
        assert_eq!(host("tokenizer = 'none'").tokenize, Tokenize::Estimate);
    }

    /// What is left out of `timeouts` is what holds where no `timeouts` are given.
    #[test]
    fn the_usual_timeouts_are_the_same_everywhere() {
        assert_eq!(host("timeouts = {}").timeouts, host("").timeouts);
        assert_eq!(host("timeouts = { idle = 7 }").timeouts.idle, Duration::from_secs(7));
        assert!(host("running_usage = true").supports_usage_continuous);
    }
}
