use std::process::ExitCode;
use std::time::Duration;

use outbound::remote::RemoteEngine;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::books::Books;
use crate::cli::{Global, Output};
use crate::config::{Config, load};
use crate::data_folder::DataFolder;
use crate::models::configured_engines;
use crate::terminal::print_json;
use crate::{embedded, engines};

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: String,
    state: State,
    says: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Fine,
    Warning,
    Broken,
}

pub(super) async fn run(global: &Global, output: Output) -> anyhow::Result<ExitCode> {
    let mut findings = vec![build()];
    match load(global.config.as_deref(), std::env::vars()) {
        Err(mistakes) => findings.push(finding("configuration", State::Broken, mistakes.to_string())),
        Ok(mut config) => {
            if let Some(folder) = &global.data {
                config.data.dir.clone_from(folder);
            }
            let says = match &global.config {
                Some(file) => file.display().to_string(),
                None => "no file given; the embedded defaults".to_owned(),
            };
            findings.push(finding("configuration", State::Fine, says));
            installation(&config, &mut findings).await;
        }
    }

    let is_broken = findings.iter().any(|finding| finding.state == State::Broken);
    if output.json {
        print_json(&findings)?;
    } else {
        for finding in &findings {
            let sign = match finding.state {
                State::Fine => "✓",
                State::Warning => "!",
                State::Broken => "✗",
            };
            println!("{sign} {:16} {}", finding.what, finding.says.replace('\n', "\n                   "));
        }
    }
    Ok(if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn finding(what: &str, state: State, says: impl Into<String>) -> Finding {
    Finding { what: what.to_owned(), state, says: says.into() }
}

fn build() -> Finding {
    let build = embedded::build();
    match build.advice {
        Some(advice) => finding("engine", State::Warning, format!("{}: {advice}", build.says)),
        None => finding("engine", State::Fine, build.says),
    }
}

async fn installation(config: &Config, findings: &mut Vec<Finding>) {
    let folder = match DataFolder::open(&config.data.dir) {
        Ok(folder) => folder,
        Err(error) => return findings.push(finding("data folder", State::Broken, format!("{error:#}"))),
    };
    findings.push(finding("data folder", State::Fine, folder.root().display().to_string()));
    findings.push(match Books::open(config, &folder).await {
        Ok(_) => finding("database", State::Fine, where_it_is(config, &folder)),
        Err(error) => finding("database", State::Broken, format!("{error:#}")),
    });
    findings.push(port(&config.server.listen).await);
    for about in configured_engines(config) {
        let what = format!("engine {}", about.name);
        findings.push(match engines::remote_config(&about) {
            None => match engines::model_file(&about, &folder) {
                Err(error) => finding(&what, State::Broken, format!("{error:#}")),
                Ok(path) => match embedded::inspect(&path) {
                    Ok(_) => finding(&what, State::Fine, path.display().to_string()),
                    Err(problem) => finding(&what, State::Broken, format!("{problem:#}")),
                },
            },
            Some(remote) => {
                let url = remote.base_url.clone();
                match RemoteEngine::new(remote) {
                    Err(error) => finding(&what, State::Broken, error.to_string()),
                    Ok(remote) => match remote.probe().await {
                        Ok(()) => finding(&what, State::Fine, url),
                        Err(error) => finding(&what, State::Broken, format!("{url}: {error}")),
                    },
                }
            }
        });
    }
}

/// The file, or the server without the credentials of its address.
fn where_it_is(config: &Config, folder: &DataFolder) -> String {
    match config.store.url.rsplit_once('@') {
        _ if config.store.url.is_empty() => folder.database().display().to_string(),
        Some((_, server)) => server.to_owned(),
        None => "PostgreSQL".to_owned(),
    }
}

async fn port(listen: &str) -> Finding {
    if TcpListener::bind(listen).await.is_ok() {
        return finding("port", State::Fine, format!("{listen} is free"));
    }
    let answers =
        timeout(Duration::from_secs(1), TcpStream::connect(listen)).await.is_ok_and(|stream| stream.is_ok());
    let says = if answers {
        format!("{listen} is taken, perhaps by a running Azimuth")
    } else {
        format!("{listen} cannot be listened on; set `server.listen`")
    };
    finding("port", State::Warning, says)
}
