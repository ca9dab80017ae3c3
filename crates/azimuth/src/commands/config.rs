use std::process::ExitCode;

use crate::cli::{Config, Global};
use crate::config::{example, load};

pub(super) fn run(global: &Global, command: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Config::Example => print!("{}", example()),
        Config::Check => {
            let config = load(global.config.as_deref(), std::env::vars())?;
            let file = global
                .config
                .as_ref()
                .map_or("the embedded defaults".to_owned(), |path| path.display().to_string());
            println!("{file}: fine ({} engines, {} models)", config.engines.len(), config.models.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}
