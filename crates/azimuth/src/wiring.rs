//! Where adapters meet: the one place that knows which store, which engines and which server there are.

use std::sync::Arc;
use std::time::Duration;

use accounts::{DocumentName, Retention, StrikeLetters};
use anyhow::Context;
use capabilities::async_chat::{AsyncChat, ChatTaskHandler, TASK_KIND};
use gateway::{
    Admissions, Gateway, GatewayLimits, KeySpending, Leases, LeasesSettings, MemoryPermits,
    MemoryPermitsSettings, Meter, MeterSettings, Permits, PlanMeter, QueueSettings, Queued, replay,
};
use ledger::{LedgerStore, QuotaStore};
use server::{Platform, ServerSettings};
use store::{FileJournal, JournalSettings, RedisPermits, RedisSettings};
use tasks::{TaskSettings, Tasks, WorkerSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, NodeId, Secret, Timestamp};

use crate::books::Books;
use crate::config::{CacheSharing, Config, OutOfRange, network};
use crate::console;
use crate::data_folder::DataFolder;
use crate::documents;
use crate::models::Models;
use crate::schedule::every;

/// A whole installation, running.
pub(crate) struct Running {
    pub(crate) platform: Platform,
    models: Arc<Models>,
    leases: Leases,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    /// Puts everything together and starts what runs by itself.
    pub(crate) async fn start(
        config: &Config,
        folder: &DataFolder,
        books: &Books,
        operator: AccountId,
    ) -> anyhow::Result<Self> {
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        let clock = books.clock.clone();
        let node = NodeId::generate();

        let models = Arc::new(Models::start(config.clone(), folder.clone()));
        let catalogue = models.catalogue(&books.rules)?;
        models.preload(&tracker, stop.clone());
        let meter = meter(config, folder, books, &tracker).await?;
        let limits = GatewayLimits {
            out_of_range: match config.chat.out_of_range {
                OutOfRange::Clamp => gateway::OutOfRange::Clamp,
                OutOfRange::Refuse => gateway::OutOfRange::Refuse,
            },
            shared_context_cache: config.cache.scope == CacheSharing::Everyone,
        };
        let leases = Leases::new(
            books.store.clone(),
            books.store.clone(),
            clock.clone(),
            node,
            LeasesSettings::default(),
            &tracker,
        );
        let permits = permits(config, node, clock.clone(), &tracker).await?;
        let admissions = Admissions {
            standings: books.standings.clone(),
            plans: books.rules.plans.clone(),
            prices: books.rules.prices.clone(),
            rates: books.rules.rates.clone(),
            queue: Queued::new(permits.clone(), QueueSettings::default()),
            permits,
            leases: leases.clone(),
            conduct: books.conduct.clone(),
            end_users: books.end_users.clone(),
            key_spending: KeySpending::new(books.store.clone(), books.rules.plans.clone(), clock.clone()),
            tracker: tracker.clone(),
        };
        let mut gateway = Gateway::new(Arc::new(catalogue), meter, clock.clone(), limits)
            .with_recogniser(books.rules.recogniser.clone());
        if config.billing.enabled {
            gateway = gateway.with_admissions(Arc::new(admissions));
        }
        let gateway = Arc::new(gateway);

        let kept_for = Duration::from_secs(config.chat.async_result_days * 24 * 3600);
        let task_settings = TaskSettings { kept_for, ..TaskSettings::default() };
        let tasks = Arc::new(Tasks::new(books.store.clone(), clock.clone(), task_settings));
        let worker_settings = WorkerSettings {
            concurrency_max: config.chat.async_concurrency_max,
            ..WorkerSettings::default()
        };
        let worker = tasks
            .worker(worker_settings)
            .with_handler(TASK_KIND, Arc::new(ChatTaskHandler::new(gateway.clone())));
        tracker.spawn(worker.run(stop.clone()));

        let plan_meter = PlanMeter::new(
            books.standings.clone(),
            books.rules.plans.clone(),
            books.store.clone(),
            clock.clone(),
        );
        let desk = console::desk(config, books, operator, &folder.seal()?, folder.root(), &tracker)?;
        let platform = Platform {
            keys: books.keys.clone(),
            async_chat: Arc::new(AsyncChat::new(gateway.clone(), tasks.clone())),
            gateway,
            usage: books.store.clone(),
            plan_meter: Arc::new(plan_meter),
            documents: documents::reader(config)?,
            console: Some(Arc::new(desk.services)),
            clock,
            settings: Arc::new(server_settings(config)),
        };
        let running = Self { platform, models, leases, tracker, stop };
        running.start_schedule(books, tasks, desk.retention);
        running.write_letters(desk.strike_letters);
        Ok(running)
    }

    /// Ends what runs by itself; returns when every record is written and nothing is set aside any more.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // The meter ends when the last gateway that could still hand it a record is gone, and what this node holds of
        // everyone's money is given back when the last request that could use it is.
        drop(self.platform);
        drop(self.leases);
        self.tracker.close();
        self.tracker.wait().await;
        self.models.shutdown().await;
    }

    fn start_schedule(&self, books: &Books, tasks: Arc<Tasks>, retention: Retention) {
        let Self { tracker, stop, models, .. } = self;
        let keys = books.keys.clone();
        every(Duration::from_secs(10), tracker, stop.clone(), move || {
            let keys = keys.clone();
            async move { report("the last use of keys was not written", keys.flush_last_used().await) }
        });
        every(Duration::from_secs(3600), tracker, stop.clone(), move || {
            let tasks = tasks.clone();
            async move { report("old results were not deleted", tasks.purge().await.map(drop)) }
        });
        if let Some(console) = &self.platform.console {
            let idempotency = console.idempotency.clone();
            every(Duration::from_secs(600), tracker, stop.clone(), move || {
                let idempotency = idempotency.clone();
                async move { report("old answers were not deleted", idempotency.expire().await.map(drop)) }
            });
            let rights = console.rights.clone();
            every(Duration::from_secs(600), tracker, stop.clone(), move || {
                let rights = rights.clone();
                async move {
                    match rights.carry_out_due().await {
                        Ok(done) => done.into_iter().for_each(|(person, forgotten)| {
                            report(
                                &format!("{person} could not be forgotten and will be tried again"),
                                forgotten,
                            );
                        }),
                        Err(error) => report("who is to be forgotten was not found", Err(error)),
                    }
                }
            });
        }
        let (retention, clock) = (Arc::new(retention), books.clock.clone());
        // A purge ends after a number of rows, so that a stop does not wait for it; where very many requests come, it is
        // how often it begins that keeps up with them.
        every(Duration::from_secs(300), tracker, stop.clone(), move || {
            let (retention, now) = (retention.clone(), clock.now());
            async move {
                for result in retention.purge(now).await {
                    report("what need not be kept was not deleted", result.map(drop));
                }
            }
        });
        let hosts = models.clone();
        every(Duration::from_secs(15), tracker, stop.clone(), move || {
            let hosts = hosts.clone();
            async move { hosts.probe().await }
        });
        self.start_bookkeeping(books);
        self.follow_rules(books);
    }

    /// Gives back what nodes that are gone had set aside, ends credits whose time is over, and adds days up.
    fn start_bookkeeping(&self, books: &Books) {
        let Self { tracker, stop, .. } = self;
        let (store, clock) = (books.store.clone(), books.clock.clone());
        every(Duration::from_secs(5), tracker, stop.clone(), move || {
            let (store, now) = (store.clone(), clock.now());
            async move {
                report("holds were not ended", store.expire(now, SWEEP_MAX).await.map(drop));
                let reached = Timestamp::from_millis(now.as_millis() - USES_KEPT_MS);
                report("slices were not ended", store.slices_expire(now, reached, SWEEP_MAX).await.map(drop));
            }
        });
        let conduct = books.conduct.clone();
        every(Duration::from_secs(3600), tracker, stop.clone(), move || {
            let conduct = conduct.clone();
            async move { report("old notes of violations were not removed", conduct.forget_old().await.map(drop)) }
        });
        let statements = books.statements.clone();
        every(Duration::from_secs(5), tracker, stop.clone(), move || {
            let statements = statements.clone();
            async move { report("days were not added up", statements.roll_up().await.map(drop)) }
        });
    }

    /// Tells accounts of their strikes, whoever gave them.
    fn write_letters(&self, letters: StrikeLetters) {
        let letters = Arc::new(letters);
        every(Duration::from_secs(5), &self.tracker, self.stop.clone(), move || {
            let letters = letters.clone();
            async move { report("strikes were not told", letters.send_due().await.map(drop)) }
        });
    }

    /// Puts in force what the operator changes, here or on another node, within a second or so.
    fn follow_rules(&self, books: &Books) {
        let (rules, models, gateway) =
            (books.rules.clone(), self.models.clone(), Arc::downgrade(&self.platform.gateway));
        every(Duration::from_secs(1), &self.tracker, self.stop.clone(), move || {
            let (rules, models, gateway) = (rules.clone(), models.clone(), gateway.clone());
            async move {
                let changed = match rules.refresh().await {
                    Ok(changed) => changed,
                    Err(error) => return tracing::warn!(%error, "the operator's documents were not read"),
                };
                let is_about_models =
                    changed.iter().any(|name| matches!(name, DocumentName::Engines | DocumentName::Models));
                let Some(gateway) = gateway.upgrade().filter(|_| is_about_models) else { return };
                match models.catalogue(&rules) {
                    Ok(catalogue) => gateway.replace_catalogue(catalogue),
                    Err(error) => tracing::warn!(%error, "the models stay as they were"),
                }
            }
        });
    }
}

/// The most holds, credits and slices that one sweep ends.
const SWEEP_MAX: u32 = 1000;

/// Uses of quota older than this are in no window: a month of a plan, and some more.
const USES_KEPT_MS: i64 = 40 * 24 * 3600 * 1000;

fn report<E: std::error::Error + 'static>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
    }
}

/// With a journal where the database is elsewhere: one in the data folder is there whenever this node is.
async fn meter(
    config: &Config,
    folder: &DataFolder,
    books: &Books,
    tracker: &TaskTracker,
) -> anyhow::Result<Meter> {
    let (store, settings) = (books.store.clone(), MeterSettings::default());
    let bytes_max = config.store.journal_mib_max.saturating_mul(1024 * 1024);
    if config.store.url.is_empty() || bytes_max == 0 {
        return Ok(Meter::start(store, settings, tracker));
    }
    let journal =
        FileJournal::open(folder.journal(), JournalSettings { bytes_max, ..JournalSettings::default() })
            .await?;
    // Before anything is admitted: until then, accounts seem to have more than they have.
    let left = replay(&journal, &*store).await.with_context(|| {
        format!("what an earlier run left in {} was not written to the database", folder.journal().display())
    })?;
    if left > 0 {
        tracing::info!(records = left, "usage records that an earlier run had left are written");
    }
    Ok(Meter::with_journal(store, Arc::new(journal), settings, tracker))
}

/// In memory on one node; in Redis for several.
async fn permits(
    config: &Config,
    node: NodeId,
    clock: Arc<dyn Clock>,
    tracker: &TaskTracker,
) -> anyhow::Result<Arc<dyn Permits>> {
    if config.redis.url.is_empty() {
        return Ok(Arc::new(MemoryPermits::new(clock, &MemoryPermitsSettings::default())));
    }
    let mut settings = RedisSettings::at(Secret::new(config.redis.url.clone()));
    settings.prefix.clone_from(&config.redis.prefix);
    settings.nodes_min = config.redis.nodes_min;
    let permits = RedisPermits::start(&settings, node, clock, tracker).context("`redis`")?;
    if !permits.connected_within(REDIS_WAIT_MAX).await {
        tracing::warn!("Redis does not answer; until it does, this node gives out its share of every limit");
    }
    Ok(Arc::new(permits))
}

/// How long the start waits for Redis.
const REDIS_WAIT_MAX: Duration = Duration::from_secs(3);

fn server_settings(config: &Config) -> ServerSettings {
    let about = &config.server;
    ServerSettings {
        body_bytes_max: about.body_bytes_max,
        answer_duration_max: Duration::from_secs(about.stream_timeout_seconds),
        keep_alive_after: Duration::from_secs(about.keep_alive_seconds),
        drain_duration_max: Duration::from_secs(about.drain_seconds),
        connections_max: about.connections_max,
        head_wait_max: Duration::from_secs(about.head_timeout_seconds),
        body_wait_max: Duration::from_secs(about.body_timeout_seconds),
        stall_max: Duration::from_secs(about.stall_timeout_seconds),
        trusted_proxies: about.trusted_proxies.iter().filter_map(|proxy| network(proxy)).collect(),
    }
}
