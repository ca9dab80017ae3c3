//! Hosts of Anthropic's dialect.

mod answers;
mod faults;
mod originals;
mod requests;

use super::*;

fn config(host: &ScriptedHost) -> RemoteConfig {
    let mut config = RemoteConfig::new("claude", Kind::Anthropic, host.base_url(), "claude-x");
    config.timeouts = super::config(host).timeouts;
    config
}

fn engine(host: &ScriptedHost) -> RemoteEngine {
    RemoteEngine::new(config(host)).unwrap()
}
