//! One file a command.

mod admin;
mod chat;
mod config;
mod doctor;
mod internal;
mod keys;
mod ledger;
mod models;
mod serve;
mod usage;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::books::Books;
use crate::cli::{Cli, Command, Global};
use crate::config::{Config, load};
use crate::data_folder::DataFolder;

/// Runs what was asked for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "azimuth", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Internal(command) => internal::run(command),
        Command::Config(command) => config::run(&cli.global, &command),
        Command::Doctor(output) => asynchronous(doctor::run(&cli.global, output)),
        Command::Serve(options) => asynchronous(serve::run(&cli.global, options)),
        Command::Keys(command) => asynchronous(keys::run(&cli.global, command)),
        Command::Models(command) => asynchronous(models::run(&cli.global, command)),
        Command::Chat(options) => asynchronous(chat::run(&cli.global, options)),
        Command::Admin(command) => asynchronous(admin::run(&cli.global, command)),
        Command::Ledger(command) => asynchronous(ledger::run(&cli.global, command)),
        Command::Usage(options) => asynchronous(usage::run(&cli.global, &options)),
    }
}

fn asynchronous(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// The configuration with the command line laid over it.
fn configuration(global: &Global) -> anyhow::Result<Config> {
    let mut config = load(global.config.as_deref(), std::env::vars())?;
    if let Some(folder) = &global.data {
        config.data.dir.clone_from(folder);
    }
    Ok(config)
}

/// Accounts, keys, money and records, as a server that runs beside this has them.
async fn books(global: &Global) -> anyhow::Result<Books> {
    let config = configuration(global)?;
    Books::open(&config, &DataFolder::open(&config.data.dir)?).await
}
