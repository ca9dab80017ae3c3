//! `azimuth.example.toml`, written from the configuration types: every key with its meaning and default.

use schemars::{Schema, schema_for};
use serde_json::{Map, Value};

use super::{Config, EngineConfig, IdentityProviderConfig, ModelConfig, TimeoutsConfig};

const HEAD: &str = "\
# Azimuth's configuration: every key, what it means and its default.
# Copy it to azimuth.toml, change what you need, and start with `azimuth serve --config azimuth.toml`.
# The environment goes over the file: AZIMUTH_SERVER__LISTEN=0.0.0.0:80 sets `listen` in [server].
";

const ENGINES: &str = "
# What runs models. An engine can run several public models, and a public model can have several engines.
#
# [[engines]]
# name = \"laptop\"
# kind = \"embedded\"
# file = \"glm-4.7-flash-q4_k_m.gguf\"
#
# [[engines]]
# name = \"gpu-1\"
# kind = \"openai\"
# base_url = \"http://10.0.0.5:8000/v1\"
# model = \"zai-org/GLM-4.7\"
# key_env = \"GPU_1_KEY\"
#
# Keys of an engine:
";

const MODELS: &str = "
# Which engines run which public model.
#
# [[models]]
# name = \"glm-4.7\"
# engines = [\"gpu-1\", \"laptop\"]
#
# Keys of a model:
";

const IDENTITY_PROVIDERS: &str = "
# Where people may log in from elsewhere, by OpenID Connect.
#
# [[identity_providers]]
# name = \"company\"
# issuer = \"https://login.example.com\"
# client_id = \"azimuth\"
# client_secret_env = \"COMPANY_CLIENT_SECRET\"
#
# Keys of an identity provider:
";

/// The whole file.
pub(crate) fn example() -> String {
    let mut text = HEAD.to_owned();
    let defaults = serde_json::to_value(Config::default()).expect("the configuration can be written");
    let schema = schema_for!(Config);
    for (section, about) in properties(&schema) {
        let Some(default) = defaults.get(section).and_then(Value::as_object) else { continue };
        let definition = definition(&schema, about);
        text.push_str(&format!("\n{}[{section}]\n", comment(definition)));
        for (key, about) in fields(definition) {
            let value = if section == "data" && key == "dir" {
                // The default depends on who runs it.
                "\"~/.local/share/azimuth\"".to_owned()
            } else {
                toml_value(default.get(key))
            };
            text.push_str(&format!("{}# {key} = {value}\n", comment(about)));
        }
    }
    text.push_str(ENGINES);
    describe(&schema_for!(EngineConfig), &mut text);
    text.push_str("#\n# Keys of `timeouts`:\n");
    describe(&schema_for!(TimeoutsConfig), &mut text);
    text.push_str(MODELS);
    describe(&schema_for!(ModelConfig), &mut text);
    text.push_str(IDENTITY_PROVIDERS);
    describe(&schema_for!(IdentityProviderConfig), &mut text);
    text
}

fn describe(schema: &Schema, text: &mut String) {
    for (key, about) in properties(schema) {
        let meaning = about.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        text.push_str(&format!("#   {key}: {meaning}\n"));
    }
}

fn properties(schema: &Schema) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn fields(definition: &Value) -> impl Iterator<Item = (&String, &Value)> {
    definition.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// Follows `$ref` into the schema's definitions.
fn definition<'a>(schema: &'a Schema, about: &'a Value) -> &'a Value {
    about
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| schema.as_value().pointer(reference.trim_start_matches('#')))
        .unwrap_or(about)
}

fn comment(about: &Value) -> String {
    let description = about.get("description").and_then(Value::as_str).unwrap_or_default();
    description.lines().map(|line| format!("# {line}\n")).collect()
}

fn toml_value(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file in the repository is what the types say; `azimuth config example > azimuth.example.toml` renews it.
    #[test]
    fn the_example_file_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../azimuth.example.toml");
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(file, example(), "renew it: azimuth config example > azimuth.example.toml");
    }

    /// With every comment sign before a key taken away, the example is a configuration that passes the check.
    #[test]
    fn the_example_is_a_valid_configuration() {
        let sections = example();
        let sections = sections.split("\n# What runs models").next().unwrap_or_default();
        let active: String = sections
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => {
                    format!("{rest}\n")
                }
                _ => format!("{line}\n"),
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("azimuth.toml");
        std::fs::write(&path, active).unwrap();
        crate::config::load(Some(&path), []).unwrap();
    }
}
