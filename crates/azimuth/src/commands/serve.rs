use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vocab::Secret;

use crate::books::Books;
use crate::cli::{Global, Serve};
use crate::config::Config;
use crate::data_folder::{DataFolder, write_whole};
use crate::models::{DEMO_MODEL, is_demo};
use crate::wiring::Running;
use crate::{logging, open_files, terminal};

pub(super) async fn run(global: &Global, options: Serve) -> anyhow::Result<ExitCode> {
    let mut config = super::configuration(global)?;
    if let Some(listen) = options.listen {
        config.server.listen = listen;
    }
    logging::start(&config.log)?;
    open_files::raise_limit(config.server.connections_max);

    // First of all: whoever finds the port taken must not lose the key that is shown only once.
    let listener = TcpListener::bind(&config.server.listen).await.with_context(|| {
        format!("cannot listen on {} (`--listen` takes another address)", config.server.listen)
    })?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let folder = DataFolder::open(&config.data.dir)?;
    let books = Books::open(&config, &folder).await?;
    let operator = books.ensure_operator().await?;
    let running = Running::start(&config, &folder, &books, operator.account.id).await?;

    let stop = stop_signal()?;
    let app = server::app(running.platform.clone());
    let platform = running.platform.clone();
    let serving = tokio::spawn(async move { server::serve(listener, app, &platform, stop).await });

    let is_first_start = operator.first_key.is_some();
    let key = match operator.first_key {
        Some((_, key)) => Some(key),
        None if options.show_key || options.ready_file.is_some() => {
            Some(books.keys.reveal_one(operator.account.id).await?)
        }
        None => None,
    };
    match &key {
        Some(key) if is_first_start || options.show_key => say_welcome(&base_url, key, &config),
        _ => eprintln!("Azimuth listens on {base_url}. Keys: azimuth keys list, azimuth keys create"),
    }
    if let (Some(path), Some(key)) = (&options.ready_file, &key) {
        write_ready_file(path, &base_url, key)?;
    }

    serving.await?;
    running.stop().await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Cancelled at the first SIGINT or SIGTERM; a second one ends the process at once.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        #[cfg(unix)]
        let mut next = async || {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        };
        #[cfg(not(unix))]
        let mut next = async || {
            let _ = tokio::signal::ctrl_c().await;
        };
        next().await;
        tracing::info!("stopping: running answers may end; a second signal stops at once");
        asked.cancel();
        next().await;
        std::process::exit(130);
    });
    Ok(stop)
}

fn say_welcome(base_url: &str, key: &Secret, config: &Config) {
    let key = key.expose();
    eprintln!("\nAzimuth is running.\n");
    eprintln!("  URL   {base_url}");
    eprintln!("  Key   {key}");
    eprintln!(
        "        {}",
        terminal::dim("shown at the first start; `azimuth keys` makes, lists and revokes keys")
    );
    eprintln!("\nTry it:\n");
    let model = config.models.first().map_or(DEMO_MODEL, |model| model.name.as_str());
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello!"}]});
    eprintln!("  curl {base_url}/api/paas/v4/chat/completions \\");
    eprintln!("    -H \"Authorization: Bearer {key}\" \\");
    eprintln!("    -H \"Content-Type: application/json\" \\");
    eprintln!("    -d '{body}'\n");
    if is_demo(config) {
        eprintln!(
            "Nothing is configured yet, so only the demo model `{DEMO_MODEL}` answers: a toy that shows each feature"
        );
        eprintln!(
            "and knows next to nothing. Map your own models in azimuth.toml (see azimuth.example.toml), or let the toy"
        );
        eprintln!("answer under a name your client insists on: [demo] answers_as = [\"glm-4.7\"].\n");
    }
}

fn write_ready_file(path: &Path, base_url: &str, secret: &Secret) -> anyhow::Result<()> {
    let text = json!({"base_url": base_url, "api_key": secret.expose()}).to_string();
    write_whole(path, text.as_bytes(), 0o600).with_context(|| format!("{} cannot be written", path.display()))
}
