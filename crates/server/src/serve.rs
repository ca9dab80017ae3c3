use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::connections::Connections;
use crate::{App, Platform};

/// How long to wait when the system has nothing left to make a connection of, such as open files.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);

/// Answers requests until `stop` is cancelled, then lets running answers end, for at most the configured time. When
/// it returns, no connection is left, and with them everything is gone that held on to `app` and `platform`.
pub async fn serve(listener: TcpListener, app: App, platform: &Platform, stop: CancellationToken) {
    let settings = &platform.settings;
    let connections = Connections::new(app, settings.clone(), stop.clone());
    let mut door = Door { places: Arc::new(Semaphore::new(settings.connections_max)), was_full: false };
    while let Some((stream, place)) = stop.run_until_cancelled(door.accept(&listener)).await {
        connections.open(stream, place);
    }
    drop(listener);
    connections.drain(settings.drain_duration_max).await;
}

/// Lets connections in as long as there are places. Further ones wait in the system's own queue.
struct Door {
    places: Arc<Semaphore>,
    was_full: bool,
}

impl Door {
    async fn accept(&mut self, listener: &TcpListener) -> (TcpStream, Option<OwnedSemaphorePermit>) {
        let is_full = self.places.available_permits() == 0;
        if is_full && !self.was_full {
            tracing::warn!("as many connections are open as `server.connections_max` allows; others wait");
        }
        self.was_full = is_full;
        // Nobody closes the semaphore, so there is a place in the end.
        let place = self.places.clone().acquire_owned().await.ok();
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return (stream, place),
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted at the moment");
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
}

/// The client was gone before its connection was accepted.
fn is_about_one_connection(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
