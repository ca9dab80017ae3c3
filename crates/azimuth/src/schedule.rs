//! What happens by itself, again and again.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Does `work` every `period` until `stop`, and once more at the end.
pub(crate) fn every<F>(
    period: Duration,
    tracker: &TaskTracker,
    stop: CancellationToken,
    work: impl Fn() -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send,
{
    tracker.spawn(async move {
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(period)).await.is_none();
            work().await;
            if stopped {
                return;
            }
        }
    });
}
