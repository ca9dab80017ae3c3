//! `load`: measures a running Azimuth, alone and beside others on the same machine.
//!
//! Nothing here is a test: figures depend on the machine and on who else uses it. Ratios are taken in interleaved
//! rounds, and processor time is preferred to wall time. `README.md` holds the figures and the budgets.

mod azimuth;
mod books;
mod chat;
mod connection;
mod cores;
mod crash;
mod database;
mod drive;
mod engine;
mod events;
mod gateway;
mod hostile;
mod limits;
mod machine;
mod nginx;
mod peer;
mod process;
mod report;
mod sample;
mod script;
mod upstream;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "load", about = "Measures a running Azimuth", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A very cheap model host that answers as the asked-for model's name says.
    Upstream(upstream::Options),
    /// What the gateway costs, beside nginx on the same machine.
    Gateway(gateway::Options),
    /// How fast the embedded engine is, beside llama-cpp-python's server on the same file.
    Engine(engine::Options),
    /// Rude callers, and what is left of the server after them.
    Hostile(hostile::Options),
    /// Kills the server during traffic and looks for what was lost.
    Crash(crash::Options),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    limits::raise_open_files();
    match cli.command {
        Command::Upstream(options) => upstream::run(&options),
        Command::Gateway(options) => gateway::run(&options),
        Command::Engine(options) => engine::run(&options),
        Command::Hostile(options) => hostile::run(&options),
        Command::Crash(options) => crash::run(&options),
    }
}
