//! What a single key's type cannot say: ranges, and keys that depend on each other.

use std::collections::HashSet;
use std::net::{IpAddr, ToSocketAddrs};

use gateway::{ModelCard, ModelKind};
use ipnet::IpNet;

use super::{Config, DocumentsConfig, EngineConfig, EngineKind, ModelConfig, RetentionConfig};
use crate::models::{EVERY_MODEL, is_demo};

pub(super) fn check(config: &Config, mistakes: &mut Vec<String>) {
    let server = &config.server;
    if server.listen.to_socket_addrs().is_err() {
        mistakes.push(format!(
            "`server.listen`: expected address:port such as 127.0.0.1:8787, found `{}`",
            server.listen
        ));
    }
    at_least("server.body_bytes_max", server.body_bytes_max, 1024, mistakes);
    at_least("server.stream_timeout_seconds", server.stream_timeout_seconds, 1, mistakes);
    at_least("server.keep_alive_seconds", server.keep_alive_seconds, 1, mistakes);
    at_least("server.connections_max", server.connections_max, 1, mistakes);
    at_least("server.head_timeout_seconds", server.head_timeout_seconds, 1, mistakes);
    at_least("server.body_timeout_seconds", server.body_timeout_seconds, 1, mistakes);
    at_least("server.stall_timeout_seconds", server.stall_timeout_seconds, 1, mistakes);
    for proxy in &server.trusted_proxies {
        if network(proxy).is_none() {
            mistakes.push(format!(
                "`server.trusted_proxies`: expected an address or a network such as 10.0.0.0/8, found `{proxy}`"
            ));
        }
    }
    at_least("chat.async_concurrency_max", config.chat.async_concurrency_max, 1, mistakes);
    at_least("chat.async_result_days", config.chat.async_result_days, 1, mistakes);
    at_least("embedded.slots", config.embedded.slots, 1, mistakes);
    at_least("documents.at_once_max", config.documents.at_once_max, 1, mistakes);
    at_least("documents.pages_max", config.documents.pages_max, 1, mistakes);
    at_least("documents.seconds_max", config.documents.seconds_max, 1, mistakes);
    at_least(
        "documents.memory_mib_max",
        config.documents.memory_mib_max,
        DocumentsConfig::MEMORY_MIB_MIN,
        mistakes,
    );
    let kept = &config.retention;
    at_least("retention.sessions_days", kept.sessions_days, 1, mistakes);
    at_least("retention.letters_days", kept.letters_days, 1, mistakes);
    at_least("retention.invitations_days", kept.invitations_days, 1, mistakes);
    at_least("retention.audit_days", kept.audit_days, 1, mistakes);
    at_least("retention.unverified_days", kept.unverified_days, 1, mistakes);
    if kept.usage_days > 0 {
        at_least("retention.usage_days", kept.usage_days, RetentionConfig::USAGE_DAYS_MIN, mistakes);
    }
    check_demo(config, mistakes);
    check_engines(&config.engines, mistakes);
    config.engines.iter().for_each(|engine| check_key_env(engine, mistakes));
    check_models(&config.models, mistakes);

    let engines: HashSet<&str> = config.engines.iter().map(|engine| engine.name.as_str()).collect();
    for model in &config.models {
        for engine in model.engines.iter().chain(model.weights.keys()) {
            if !engines.contains(engine.as_str()) {
                mistakes.push(format!("`models` `{}`: there is no engine `{engine}`", model.name));
            }
        }
    }
}

/// What is wrong with engines wherever they run.
pub(crate) fn check_engines(engines: &[EngineConfig], mistakes: &mut Vec<String>) {
    let mut names = HashSet::new();
    for engine in engines {
        if !names.insert(engine.name.as_str()) {
            mistakes.push(format!("`engines`: the name `{}` is given twice", engine.name));
        }
        check_engine(engine, mistakes);
    }
}

/// What is wrong with models whatever engines there are.
pub(crate) fn check_models(models: &[ModelConfig], mistakes: &mut Vec<String>) {
    let mut names = HashSet::new();
    for model in models {
        for name in std::iter::once(&model.name).chain(&model.aliases) {
            if !names.insert(name) {
                mistakes.push(format!("`models`: the name `{name}` is given twice"));
            }
        }
        if model.engines.is_empty() {
            mistakes.push(format!("`models` `{}`: `engines` is empty; name at least one", model.name));
        }
        if model.max_tokens == Some(0) {
            mistakes.push(format!("`models` `{}`: `max_tokens` is 1 or more", model.name));
        }
        if model.temperature.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            mistakes.push(format!("`models` `{}`: `temperature` is 0.0 to 1.0", model.name));
        }
        if model.top_p.is_some_and(|value| !(0.01..=1.0).contains(&value)) {
            mistakes.push(format!("`models` `{}`: `top_p` is 0.01 to 1.0", model.name));
        }
    }
}

fn at_least<T: PartialOrd + Copy + std::fmt::Display>(
    key: &str,
    value: T,
    least: T,
    mistakes: &mut Vec<String>,
) {
    if value < least {
        mistakes.push(format!("`{key}`: expected {least} or more, found {value}"));
    }
}

/// An address, or a network in the form `10.0.0.0/8`.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn check_demo(config: &Config, mistakes: &mut Vec<String>) {
    for name in &config.demo.answers_as {
        let is_text_model =
            |card: &ModelCard| card.name.as_str() == name && card.kind == ModelKind::Text && card.listed;
        if name != EVERY_MODEL && !ModelCard::documented().iter().any(is_text_model) {
            mistakes
                .push(format!("`demo.answers_as`: `{name}` is no documented text model; `*` stands for all"));
        }
    }
    if !config.demo.answers_as.is_empty() && !is_demo(config) {
        mistakes.push(
            "`demo.answers_as` holds only while no engines and models are configured; give the demo model an \
             engine instead: name = \"demo\", kind = \"embedded\" and no file"
                .to_owned(),
        );
    }
}

fn check_engine(engine: &EngineConfig, mistakes: &mut Vec<String>) {
    let name = &engine.name;
    let mut needs = |key: &str, given: bool, example: &str| {
        if !given {
            mistakes.push(format!("`engines` `{name}`: `{key}` is missing, for example {example}"));
        }
    };
    match engine.kind {
        EngineKind::Embedded => needs("file", engine.file.is_some(), "file = \"glm-4.7-flash-q4_k_m.gguf\""),
        EngineKind::Openai | EngineKind::Zai => {
            needs("base_url", engine.base_url.is_some(), "base_url = \"http://10.0.0.5:8000/v1\"");
            needs("model", engine.model.is_some(), "model = \"zai-org/GLM-4.7\"");
        }
        EngineKind::Anthropic => {
            needs("base_url", engine.base_url.is_some(), "base_url = \"https://api.anthropic.com/v1\"");
            needs("model", engine.model.is_some(), "model = \"claude-sonnet-5\"");
        }
    }
    let timeouts = engine.timeouts.as_ref();
    for (key, is_zero) in [
        ("concurrency_max", engine.concurrency_max == Some(0)),
        ("timeouts.connect", timeouts.is_some_and(|timeouts| timeouts.connect == 0)),
        ("timeouts.first_token", timeouts.is_some_and(|timeouts| timeouts.first_token == 0)),
        ("timeouts.idle", timeouts.is_some_and(|timeouts| timeouts.idle == 0)),
    ] {
        if is_zero {
            mistakes.push(format!("`engines` `{name}`: `{key}` is 1 or more"));
        }
    }
    if let Some(url) = &engine.base_url
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        mistakes
            .push(format!("`engines` `{name}`: `base_url` begins with http:// or https://, found `{url}`"));
    }
}

fn check_key_env(engine: &EngineConfig, mistakes: &mut Vec<String>) {
    let name = &engine.name;
    if let Some(variable) = &engine.key_env
        && std::env::var_os(variable).is_none()
    {
        mistakes.push(format!(
            "`engines` `{name}`: the environment variable `{variable}` (`key_env`) is not set"
        ));
    }
}
