use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{AsyncConnectionConfig, Client};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::RedisSettings;
use super::claim::Release;
use super::link::{Connected, Lost, within};
use super::permits::Shared;

/// Keeps Redis informed in the background: renews leases, reports ended permits, and comes back after a loss.
///
/// It does one thing at a time. So a lease cannot be renewed after the end of its permit was reported.
pub(super) struct Keeper {
    client: Client,
    shared: Arc<Shared>,
    ended: mpsc::Receiver<Release>,
    /// Taken from `ended` and not yet reported.
    unreported: Vec<Release>,
    renew_every: Duration,
    answer_for_max: Duration,
    retry_pause_max: Duration,
    connections: u64,
}

/// The most leases renewed, and permits reported, in one step: other nodes wait for each step.
const STEP_MAX: usize = 256;
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(20);

/// Whether to go on after a connection.
enum Served {
    Lost,
    Finished,
}

impl Keeper {
    pub(super) fn new(
        client: Client,
        shared: Arc<Shared>,
        ended: mpsc::Receiver<Release>,
        settings: &RedisSettings,
    ) -> Self {
        Self {
            client,
            shared,
            ended,
            unreported: Vec::new(),
            renew_every: (settings.lease / 3).max(Duration::from_millis(1)),
            answer_for_max: settings.connect_for_max,
            retry_pause_max: settings.retry_pause_max,
            connections: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let (mut pause, mut was_connected) = (RETRY_PAUSE_MIN, false);
        loop {
            match self.connect().await {
                Ok(connected) => {
                    tracing::info!(
                        nodes = self.shared.nodes.load(Ordering::Relaxed),
                        "redis keeps the permits"
                    );
                    (pause, was_connected) = (RETRY_PAUSE_MIN, true);
                    if let Served::Finished = self.serve(connected).await {
                        return;
                    }
                }
                Err(why) if !was_connected && pause == RETRY_PAUSE_MIN => {
                    tracing::warn!(
                        error = &why as &dyn std::error::Error,
                        "redis is not there; this node gives out its share of the limits until it is"
                    );
                }
                Err(why) => tracing::debug!(error = &why as &dyn std::error::Error, "redis is still lost"),
            }
            if self.ended.is_closed() {
                return;
            }
            sleep(pause).await;
            pause = self.retry_pause_max.min(pause * 2);
        }
    }

    /// Comes (back) to Redis: everything held is entered before the first request is let through.
    async fn connect(&mut self) -> Result<Connected, Lost> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.answer_for_max))
            .set_response_timeout(Some(self.answer_for_max))
            .set_pipeline_buffer_size(1024);
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let connection = within(self.answer_for_max, connecting).await?;
        // A number is used once, also when nothing comes of it.
        self.connections += 1;
        let mut connected = Connected { connection, number: self.connections };
        self.renew(&mut connected).await?;
        self.report(&mut connected).await?;

        self.shared.link.open(connected.clone());
        // Once more for permits that were given in the meantime.
        if let Err(why) = self.renew(&mut connected).await {
            self.shared.link.lose(&connected, &why);
            return Err(why);
        }
        Ok(connected)
    }

    async fn serve(&mut self, mut connected: Connected) -> Served {
        let shared = self.shared.clone();
        let mut ticks = interval(self.renew_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            let done = tokio::select! {
                () = shared.link.lost() => return Served::Lost,
                _ = ticks.tick() => self.renew(&mut connected).await,
                count = self.ended.recv_many(&mut self.unreported, STEP_MAX) => {
                    if count == 0 {
                        // Others learn of it when the lease runs out, if not now.
                        let _ = within(self.answer_for_max, shared.scripts.leave(&mut connected)).await;
                        return Served::Finished;
                    }
                    self.report(&mut connected).await
                }
            };
            if let Err(why) = done {
                shared.link.lose(&connected, &why);
                return Served::Lost;
            }
        }
    }

    async fn renew(&self, connected: &mut Connected) -> Result<(), Lost> {
        let held = self.shared.held.all();
        let leases: Vec<(u64, &str)> = (held.iter())
            .flat_map(|(number, claimed)| claimed.concurrency.iter().map(|key| (*number, key.as_str())))
            .collect();
        // At least one step, to say that this node is there.
        let mut steps = leases.chunks(STEP_MAX);
        let mut step = steps.next().unwrap_or_default();
        loop {
            let nodes = within(self.answer_for_max, self.shared.scripts.renew(connected, step)).await?;
            self.shared.nodes.store(nodes, Ordering::Relaxed);
            match steps.next() {
                Some(next) => step = next,
                None => return Ok(()),
            }
        }
    }

    /// Reports what has ended. Kept for the next connection if this one fails.
    async fn report(&mut self, connected: &mut Connected) -> Result<(), Lost> {
        within(self.answer_for_max, self.shared.scripts.release(connected, &self.unreported)).await?;
        self.unreported.clear();
        Ok(())
    }
}
