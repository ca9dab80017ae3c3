use std::io;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Platform;

/// Answers requests until `stop` is cancelled, then lets running answers end, for at most the configured time.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    platform: &Platform,
    stop: CancellationToken,
) -> io::Result<()> {
    let listener = listener.tap_io(|connection| {
        // Events are small and must leave at once.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps collecting small packets");
        }
    });
    let drained = stop.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        ended = server => ended,
        () = async {
            drained.cancelled().await;
            tokio::time::sleep(platform.settings.drain_duration_max).await;
        } => {
            tracing::warn!("some answers did not end in time and were cut off");
            Ok(())
        }
    }
}
