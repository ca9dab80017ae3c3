//! Embedded models are brought into memory at the start, so that the first request does not wait for them.

use std::sync::Arc;
use std::time::Duration;

use engine::{Embedded, LoadState};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often a long load says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(2);

/// Loads the models called `names`, one after the other, until the memory budget is used up or `stop`.
pub(crate) fn start(
    embedded: &Arc<Embedded>,
    names: Vec<String>,
    tracker: &TaskTracker,
    stop: CancellationToken,
) {
    let embedded = embedded.clone();
    tracker.spawn(async move { stop.run_until_cancelled(load_all(&embedded, &names)).await });
}

async fn load_all(embedded: &Embedded, names: &[String]) {
    for (at, name) in names.iter().enumerate() {
        load(embedded, name).await;
        let pushed_out =
            names[..at].iter().any(|earlier| state(embedded, earlier) == Some(LoadState::Unloaded));
        if pushed_out {
            tracing::info!(
                "not all embedded models fit into memory at once; the others are loaded when they are asked for"
            );
            return;
        }
    }
}

async fn load(embedded: &Embedded, name: &str) {
    let mut loading = std::pin::pin!(embedded.load(name));
    loop {
        match tokio::time::timeout(REPORT_EVERY, &mut loading).await {
            // The engine has logged that the model is ready.
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::error!(model.name = name, %error, "the embedded model `{name}` cannot be loaded");
                return;
            }
            Err(_) => {
                if let Some(LoadState::Loading(part)) = state(embedded, name) {
                    tracing::info!(model.name = name, "loading `{name}`: {:.0} %", part * 100.0);
                }
            }
        }
    }
}

fn state(embedded: &Embedded, name: &str) -> Option<LoadState> {
    Some(embedded.progress(name)?.borrow().clone())
}
