//! The command line. What a command does is in `commands/`.

pub(crate) mod admin;
mod ledger;

use std::path::PathBuf;

use capabilities::documents::DocumentLimits;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use admin::Admin;
pub(crate) use ledger::{Ledger, LedgerCommand};

/// A self-hosted model platform: every Z.ai client works after changing one base URL.
#[derive(Parser)]
#[command(name = "azimuth", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Configuration file; without it the embedded defaults are used.
    #[arg(long, global = true, env = "AZIMUTH_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for the database, keys, models and caches.
    #[arg(long, global = true, env = "AZIMUTH_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start the server.
    Serve(Serve),
    /// Create, list and revoke API keys; also while the server runs.
    #[command(subcommand)]
    Keys(Keys),
    /// List, download, inspect and remove model files.
    #[command(subcommand)]
    Models(Models),
    /// Talk to a model in the terminal.
    Chat(Chat),
    /// Show what was used.
    Usage(Usage),
    /// Manage accounts, money, plans, prices and rules; also while the server runs.
    Admin(Admin),
    /// Prove that the books are right, and explain what requests cost.
    Ledger(Ledger),
    /// Look for what is wrong with this installation.
    Doctor(Output),
    /// Check the configuration, or print an example with every key.
    #[command(subcommand)]
    Config(Config),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// What the server starts for itself.
    #[command(subcommand, hide = true)]
    Internal(Internal),
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Address and port, such as 127.0.0.1:8787. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Show a key of the operator at every start, not only at the first.
    #[arg(long)]
    pub(crate) show_key: bool,
    /// Write {"base_url":…,"api_key":…} to this file once the server answers.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

/// How a command answers.
#[derive(Args, Clone, Copy)]
pub(crate) struct Output {
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// Make a key. It is shown once.
    Create {
        /// What to call it.
        #[arg(long, default_value = "cli")]
        name: String,
        /// Days until it stops working.
        #[arg(long, value_name = "DAYS")]
        expires_days: Option<u32>,
        #[command(flatten)]
        output: Output,
    },
    /// Show all keys, newest last.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Stop a key from working, within a second and for good.
    Revoke {
        /// `key_…` as shown by `azimuth keys list`, or the part of the key before the dot.
        id: String,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Subcommand)]
pub(crate) enum Models {
    /// Show the public models that are mapped, and the model files here.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Download a model: hf:ORG/REPO, hf:ORG/REPO:Q4_K_M or hf:ORG/REPO:FILE.gguf.
    Pull {
        /// What to download.
        reference: String,
        /// A mirror of the hub.
        #[arg(long, env = "HF_ENDPOINT", value_name = "URL")]
        mirror: Option<String>,
        /// Branch, tag or commit.
        #[arg(long, default_value = "main")]
        revision: String,
        #[command(flatten)]
        output: Output,
    },
    /// Delete a downloaded model file.
    Rm {
        /// File name as shown by `azimuth models list`.
        file: String,
    },
    /// Show what a model file holds.
    Info {
        /// A path, or the name of a downloaded file.
        file: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args)]
pub(crate) struct Chat {
    /// What to say. Without it, a conversation is held until the input ends.
    pub(crate) message: Option<String>,
    /// Base URL of any compatible server.
    #[arg(long, env = "ZAI_BASE_URL", default_value = "http://127.0.0.1:8787/api/paas/v4")]
    pub(crate) base_url: String,
    /// Key for it; for a server on this machine's data folder it is found by itself.
    #[arg(long, env = "ZAI_API_KEY", hide_env_values = true)]
    pub(crate) key: Option<String>,
    /// The model.
    #[arg(long, short, default_value = "azimuth-demo")]
    pub(crate) model: String,
    /// Instructions for the whole conversation.
    #[arg(long)]
    pub(crate) system: Option<String>,
    /// Answer without thinking first.
    #[arg(long)]
    pub(crate) no_thinking: bool,
}

#[derive(Args)]
pub(crate) struct Usage {
    /// Only the last so many days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<u32>,
    /// Show the newest requests one by one.
    #[arg(long)]
    pub(crate) requests: bool,
    /// The most rows to show.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Subcommand)]
pub(crate) enum Internal {
    /// Print the text of the document that comes in, or why there is none, as JSON.
    DocumentText {
        /// What it may cost, as JSON.
        #[arg(long, value_parser = document_limits)]
        limits: DocumentLimits,
        /// What its sender calls it.
        media_type: String,
    },
}

fn document_limits(text: &str) -> Result<DocumentLimits, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Name every mistake in the configuration.
    Check,
    /// Print azimuth.example.toml.
    Example,
}
