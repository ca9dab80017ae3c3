//! `azimuth`: a self-hosted model platform in one program.

mod books;
mod cli;
mod commands;
mod config;
mod confinement;
mod console;
mod data_folder;
mod documents;
mod embedded;
mod engines;
mod logging;
mod models;
mod open_files;
mod rules;
mod schedule;
mod terminal;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

// Many small buffers of many lifetimes: the system's allocator keeps hold of twice the memory under load.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("azimuth: {error:#}");
            ExitCode::FAILURE
        }
    }
}
