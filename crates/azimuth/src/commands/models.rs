use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use outbound::hub::{self, ModelReference, PullOptions};
use serde_json::{Value, json};
use vocab::Secret;

use crate::cli::{Global, Models, Output};
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::models::{DEMO_MODEL, configured_engines, is_demo};
use crate::terminal::{bytes, print_json, print_table};
use crate::{embedded, engines};

pub(super) async fn run(global: &Global, command: Models) -> anyhow::Result<ExitCode> {
    let config = super::configuration(global)?;
    let folder = DataFolder::open(&config.data.dir)?;
    match command {
        Models::List { output } => list(&config, &folder, output)?,
        Models::Pull { reference, mirror, revision, output } => {
            pull(&folder, &reference, mirror, revision, output).await?;
        }
        Models::Rm { file } => remove(&folder, &file)?,
        Models::Info { file, output } => info(&folder, &file, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(config: &Config, folder: &DataFolder, output: Output) -> anyhow::Result<()> {
    let mapped: Vec<(String, Vec<String>)> = if is_demo(config) {
        vec![(DEMO_MODEL.to_owned(), vec![DEMO_MODEL.to_owned()])]
    } else {
        config.models.iter().map(|model| (model.name.to_string(), model.engines.clone())).collect()
    };
    let files = files(folder)?;
    if output.json {
        let models: Vec<Value> =
            mapped.iter().map(|(name, engines)| json!({"name": name, "engines": engines})).collect();
        let files: Vec<Value> =
            files.iter().map(|(path, size)| json!({"file": path, "bytes": size})).collect();
        return print_json(&json!({"models": models, "files": files}));
    }

    let engines = configured_engines(config);
    let runs = |name: &String| {
        let engine = engines.iter().find(|engine| engine.name == *name);
        let target = engine.and_then(|engine| {
            let file = || engines::model_file(engine, folder).ok().map(|path| path.display().to_string());
            engine.base_url.clone().or_else(file)
        });
        format!("{name} ({})", target.unwrap_or_else(|| "?".to_owned()))
    };
    let rows: Vec<Vec<String>> = mapped
        .iter()
        .map(|(name, engines)| vec![name.clone(), engines.iter().map(runs).collect::<Vec<_>>().join(", ")])
        .collect();
    print_table(&["MODEL", "ENGINES"], &rows)?;
    println!();
    let rows: Vec<Vec<String>> =
        files.iter().map(|(path, size)| vec![file_name(path), bytes(*size)]).collect();
    print_table(&["FILE", "SIZE"], &rows)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The model files in the data folder, by name.
fn files(folder: &DataFolder) -> anyhow::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.models())? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "gguf") {
            files.push((entry.path(), entry.metadata()?.len()));
        }
    }
    files.sort();
    Ok(files)
}

async fn pull(
    folder: &DataFolder,
    reference: &str,
    mirror: Option<String>,
    revision: String,
    output: Output,
) -> anyhow::Result<()> {
    let reference: ModelReference = reference.parse()?;
    let mut options = PullOptions { revision, ..PullOptions::default() };
    if let Some(mirror) = mirror {
        options.base_url = mirror;
    }
    options.token = std::env::var("HF_TOKEN").ok().filter(|token| !token.is_empty()).map(Secret::new);

    let bar = ProgressBar::new(0);
    if output.json {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    bar.set_style(ProgressStyle::with_template(
        "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
    )?);
    let models = folder.models();
    let pulled = tokio::select! {
        pulled = hub::pull(&reference, &models, &options, |progress| {
            let part = if progress.parts > 1 { format!(" ({}/{})", progress.part, progress.parts) } else { String::new() };
            bar.set_message(format!("{}{part}", progress.file));
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes);
        }) => pulled?,
        _ = tokio::signal::ctrl_c() => bail!("stopped; the same command goes on where it was"),
    };
    bar.finish_and_clear();

    let name = file_name(&pulled.path);
    if output.json {
        return print_json(
            &json!({"file": pulled.path, "bytes": pulled.bytes, "verified": pulled.is_verified}),
        );
    }
    println!(
        "{} ({}{})",
        pulled.path.display(),
        bytes(pulled.bytes),
        if pulled.is_verified { ", checked" } else { "" }
    );
    println!("\nTo serve it, put this into azimuth.toml:\n");
    println!("[[engines]]\nname = \"local\"\nkind = \"embedded\"\nfile = \"{name}\"\n");
    println!("[[models]]\nname = \"glm-4.7\"\nengines = [\"local\"]");
    Ok(())
}

fn remove(folder: &DataFolder, file: &str) -> anyhow::Result<()> {
    let is_plain = Path::new(file).file_name().is_some_and(|name| name == file) && file.ends_with(".gguf");
    if !is_plain {
        bail!("`{file}` is not a file name as `azimuth models list` shows it");
    }
    let path = folder.models().join(file);
    fs::remove_file(&path).with_context(|| format!("{} cannot be deleted", path.display()))?;
    println!("{} is deleted", path.display());
    Ok(())
}

fn info(folder: &DataFolder, file: &Path, output: Output) -> anyhow::Result<()> {
    let facts = embedded::inspect(&folder.find_model(file))?;
    if output.json {
        let facts: serde_json::Map<String, Value> =
            facts.into_iter().map(|(key, _, value)| (key.to_owned(), value)).collect();
        return print_json(&facts);
    }
    for (key, name, value) in facts {
        let text = match value {
            Value::Null => "not said".to_owned(),
            Value::String(text) => text,
            Value::Number(count) if key == "bytes" => bytes(count.as_u64().unwrap_or(0)),
            Value::Bool(is_there) => if is_there { "its own" } else { "none; Azimuth's is used" }.to_owned(),
            value => value.to_string(),
        };
        println!("{name:16} {text}");
    }
    Ok(())
}
