use std::fmt;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Config, check};

/// Every mistake found, each with its key and what was expected.
#[derive(Debug)]
pub(crate) struct ConfigMistakes(pub(crate) Vec<String>);

impl fmt::Display for ConfigMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration has {}:", count(self.0.len()))?;
        for mistake in &self.0 {
            writeln!(f, "  - {mistake}")?;
        }
        write!(
            f,
            "azimuth.example.toml shows every key with its default; `azimuth config check` tries again."
        )
    }
}

impl std::error::Error for ConfigMistakes {}

fn count(mistakes: usize) -> String {
    if mistakes == 1 { "a mistake".to_owned() } else { format!("{mistakes} mistakes") }
}

/// Reads the file, if one is given, and the environment over it.
///
/// `AZIMUTH_SERVER__LISTEN=0.0.0.0:80` sets `listen` in `[server]`.
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigMistakes> {
    let mut table = match file {
        None => Table::new(),
        Some(path) => read(path)?,
    };
    let mut mistakes = Vec::new();
    lay_over(&mut table, environment, &mut mistakes);

    let mut config = Config::default();
    for (section, value) in table {
        match section.as_str() {
            "server" => take(&section, value, &mut config.server, &mut mistakes),
            "data" => take(&section, value, &mut config.data, &mut mistakes),
            "log" => take(&section, value, &mut config.log, &mut mistakes),
            "chat" => take(&section, value, &mut config.chat, &mut mistakes),
            "anthropic" => take(&section, value, &mut config.anthropic, &mut mistakes),
            "cache" => take(&section, value, &mut config.cache, &mut mistakes),
            "documents" => take(&section, value, &mut config.documents, &mut mistakes),
            "embedded" => take(&section, value, &mut config.embedded, &mut mistakes),
            "demo" => take(&section, value, &mut config.demo, &mut mistakes),
            "store" => take(&section, value, &mut config.store, &mut mistakes),
            "redis" => take(&section, value, &mut config.redis, &mut mistakes),
            "billing" => take(&section, value, &mut config.billing, &mut mistakes),
            "people" => take(&section, value, &mut config.people, &mut mistakes),
            "mail" => take(&section, value, &mut config.mail, &mut mistakes),
            "retention" => take(&section, value, &mut config.retention, &mut mistakes),
            "identity_providers" => config.identity_providers = take_each(&section, value, &mut mistakes),
            "engines" => config.engines = take_each(&section, value, &mut mistakes),
            "models" => config.models = take_each(&section, value, &mut mistakes),
            unknown => mistakes.push(format!(
                "`{unknown}`: no such section; there are server, data, log, chat, anthropic, cache, documents, embedded, demo, \
                 store, redis, billing, people, mail, retention, identity_providers, engines, models"
            )),
        }
    }

    if let Some(folder) = file.and_then(Path::parent) {
        for engine in &mut config.engines {
            if let Some(model) = engine.file.as_mut()
                && model.is_relative()
                && folder.join(&*model).exists()
            {
                *model = folder.join(&*model);
            }
        }
    }
    check::check(&config, &mut mistakes);
    if mistakes.is_empty() { Ok(config) } else { Err(ConfigMistakes(mistakes)) }
}

fn read(path: &Path) -> Result<Table, ConfigMistakes> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigMistakes(vec![format!("{}: cannot be read: {error}", path.display())]))?;
    text.parse().map_err(|error: toml::de::Error| {
        ConfigMistakes(vec![format!("{}: not TOML: {}", path.display(), error.to_string().trim())])
    })
}

fn lay_over(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
    mistakes: &mut Vec<String>,
) {
    for (name, value) in environment {
        let Some((section, key)) = name.strip_prefix("AZIMUTH_").and_then(|rest| rest.split_once("__"))
        else {
            continue;
        };
        let section = section.to_ascii_lowercase();
        let Some(section) =
            table.entry(section.clone()).or_insert_with(|| Table::new().into()).as_table_mut()
        else {
            mistakes.push(format!("{name}: `{section}` is a list and cannot be set by the environment"));
            continue;
        };
        section.insert(key.to_ascii_lowercase(), plain_value(value));
    }
}

/// A number or boolean if it reads as one, else a text.
fn plain_value(text: String) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        Value::Integer(number)
    } else if let Ok(flag) = text.parse::<bool>() {
        Value::Boolean(flag)
    } else {
        Value::String(text)
    }
}

/// Reads a section key by key, so that one wrong key does not hide the next.
fn take<T: DeserializeOwned + serde::Serialize>(
    section: &str,
    value: Value,
    into: &mut T,
    mistakes: &mut Vec<String>,
) {
    let Value::Table(given) = value else {
        mistakes.push(format!("`{section}`: expected a section, `[{section}]`"));
        return;
    };
    let Ok(mut whole) = Table::try_from(&*into) else { return };
    for (key, value) in given {
        let before = whole.insert(key.clone(), value);
        match whole.clone().try_into::<T>() {
            Ok(read) => *into = read,
            Err(error) => {
                mistakes.push(format!("`{section}.{key}`: {}", error.message().trim()));
                match before {
                    Some(before) => whole.insert(key, before),
                    None => whole.remove(&key),
                };
            }
        }
    }
}

fn take_each<T: DeserializeOwned>(section: &str, value: Value, mistakes: &mut Vec<String>) -> Vec<T> {
    let Value::Array(items) = value else {
        mistakes.push(format!("`{section}`: expected a list, `[[{section}]]`"));
        return Vec::new();
    };
    let mut read = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        match item.try_into() {
            Ok(item) => read.push(item),
            Err(error) => mistakes.push(format!("`{section}[{index}]`: {}", error.message().trim())),
        }
    }
    read
}
