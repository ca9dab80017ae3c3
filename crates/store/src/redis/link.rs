use std::future::Future;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{RedisError, RedisResult};
use tokio::sync::watch;
use tokio::time::timeout;

/// The connection to Redis, or none while it is lost: the one place that says which.
pub(super) struct Link {
    connected: watch::Sender<Option<Connected>>,
}

/// A connection that worked when it was last used. Clones share it.
#[derive(Clone)]
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    /// Tells this connection from those before and after it, also to Redis.
    pub(super) number: u64,
}

/// Why Redis is taken for lost.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("redis did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("redis has forgotten this node")]
    Forgotten,
    #[error("redis failed")]
    Failed(#[from] RedisError),
}

impl Link {
    pub(super) fn new() -> Self {
        Self { connected: watch::Sender::new(None) }
    }

    pub(super) fn connected(&self) -> Option<Connected> {
        self.connected.borrow().clone()
    }

    /// Opens the way to Redis.
    pub(super) fn open(&self, connected: Connected) {
        self.connected.send_replace(Some(connected));
    }

    /// Nobody else uses this connection from now on. A newer one stays.
    pub(super) fn lose(&self, lost: &Connected, why: &Lost) {
        let was_open = self.connected.send_if_modified(|connected| {
            connected.take_if(|current| current.number == lost.number).is_some()
        });
        if was_open {
            tracing::warn!(
                error = why as &dyn std::error::Error,
                "redis is lost; this node gives out its share of the limits until it is back"
            );
        }
    }

    /// Waits until there is no connection.
    pub(super) async fn lost(&self) {
        // An error means that the sender is gone, and it is right here.
        let _ = self.connected.subscribe().wait_for(Option::is_none).await;
    }

    /// Waits until there is a connection.
    pub(super) async fn found(&self) {
        let _ = self.connected.subscribe().wait_for(Option::is_some).await;
    }
}

/// The answer of Redis, if it comes in time.
pub(super) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = RedisResult<T>>,
) -> Result<T, Lost> {
    match timeout(limit, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Lost::TimedOut(limit)),
    }
}
