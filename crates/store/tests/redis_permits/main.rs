//! Permits in Redis mean the same on several nodes as in memory on one.
//!
//! `AZIMUTH_TEST_REDIS=redis://:password@127.0.0.1:6379` names the server; without it these tests are skipped. Each
//! test has a prefix of its own and leaves keys that expire.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

mod flaky_link;
mod minutes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use flaky_link::{FlakyLink, Way, until};
use gateway::{Limit, Limits, Permit, PermitRequest, Permits, QueueSettings, Queued};
use store::{RedisPermits, RedisSettings};
use testkit::contract;
use testkit::contract::permits::{concurrency, soon, within};
use tokio_util::task::TaskTracker;
use vocab::{NodeId, Secret, SystemClock, Tokens};

/// The server to test against, if there is one.
fn redis() -> Option<Server> {
    let Ok(url) = std::env::var("AZIMUTH_TEST_REDIS") else {
        eprintln!("skipped: AZIMUTH_TEST_REDIS does not name a Redis server");
        return None;
    };
    let rest = url.strip_prefix("redis://").expect("a `redis://` address").trim_end_matches('/');
    let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    let address = address.parse().expect("an address like `redis://:password@127.0.0.1:6379`");
    Some(Server { login: login.to_owned(), address })
}

/// Where a server is, and how to log in.
#[derive(Clone)]
struct Server {
    /// `user:password`, or nothing.
    login: String,
    address: SocketAddr,
}

impl Server {
    /// The same server, reached another way.
    fn by_way_of(&self, address: SocketAddr) -> Secret {
        Secret::new(format!("redis://{}@{address}", self.login))
    }
}

/// Settings that share nothing with other tests, and are patient: the machine may be busy.
fn settings(server: &Server) -> RedisSettings {
    RedisSettings {
        prefix: format!("test-{}", NodeId::generate()),
        command_for_max: Duration::from_secs(5),
        connect_for_max: Duration::from_secs(5),
        retry_pause_max: Duration::from_millis(50),
        ..RedisSettings::at(server.by_way_of(server.address))
    }
}

async fn node(settings: &RedisSettings) -> RedisPermits {
    let tracker = TaskTracker::new();
    let clock = Arc::new(SystemClock);
    let permits = RedisPermits::start(settings, NodeId::generate(), clock, &tracker).unwrap();
    assert!(permits.connected_within(Duration::from_secs(10)).await, "Redis does not answer");
    permits
}

async fn nodes(settings: &RedisSettings, count: u32) -> Vec<RedisPermits> {
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(node(settings).await);
    }
    for one in &nodes {
        until("a node that knows the others", || one.nodes().get() == count).await;
    }
    nodes
}

/// Takes as many permits as there are.
async fn take_all(permits: &RedisPermits, request: &PermitRequest) -> Vec<Permit> {
    let mut taken = Vec::new();
    while let Ok(permit) = permits.acquire(request).await {
        taken.push(permit);
        assert!(taken.len() < 1_000, "no limit at all");
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permits_in_redis() {
    let Some(redis) = redis() else { return };
    contract::permits::all(async || node(&settings(&redis)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_share_one_limit_exactly() {
    let Some(redis) = redis() else { return };
    let settings = settings(&redis);
    let nodes = nodes(&RedisSettings { lease: Duration::from_secs(3), ..settings }, 3).await;
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let crowd: Vec<_> = (0..48)
        .map(|number| {
            let permits = nodes[number % 3].clone();
            let (running, most) = (running.clone(), most.clone());
            tokio::spawn(async move {
                for _ in 0..20 {
                    if let Ok(permit) = permits.acquire(&within("acct_1", concurrency(7))).await {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        running.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                }
            })
        })
        .collect();
    for one in crowd {
        one.await.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 7, "never more, and no place stays empty");

    let rate = within("acct_2", Limits { requests_per_minute: Some(10), ..Limits::default() });
    let mut passed = 0;
    for number in 0..30 {
        passed += u32::from(nodes[number % 3].acquire(&rate).await.is_ok());
    }
    assert_eq!(passed, 10);
}

/// Tokens used on one node count on another.
#[tokio::test]
async fn tokens_are_counted_together() {
    let Some(redis) = redis() else { return };
    let settings = settings(&redis);
    let (one, other) = (node(&settings).await, node(&settings).await);
    let request = within("key_1", Limits { tokens_per_minute: Some(100), ..Limits::default() });
    let mut permit = one.acquire(&request).await.unwrap();
    permit.used(Tokens(100));
    drop(permit);
    let began = Instant::now();
    let denied = loop {
        match other.acquire(&request).await {
            Err(denied) => break denied,
            Ok(_) => assert!(began.elapsed() < Duration::from_secs(10), "never counted"),
        }
    };
    assert_eq!(denied.limit, Limit::TokensPerMinute);
}

/// A node that is gone, with permits that nobody gives back, holds them for no longer than the lease; one
/// that lives holds them for as long as it likes.
#[test]
fn a_crashed_node_loses_its_permits_and_a_living_one_does_not() {
    let Some(redis) = redis() else { return };
    let settings = RedisSettings { lease: Duration::from_secs(1), ..settings(&redis) };
    let request = within("acct_1", concurrency(2));
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();

    let (doomed, living) = (runtime(), runtime());
    let survivor = living.block_on(node(&settings));
    let kept = living.block_on(survivor.acquire(&request)).unwrap();
    doomed.block_on(async {
        let permit = node(&settings).await.acquire(&request).await.unwrap();
        std::mem::forget(permit);
    });
    doomed.shutdown_background();

    living.block_on(async {
        survivor.acquire(&request).await.unwrap_err();
        let back = soon(&survivor, &request).await;
        tokio::time::sleep(2 * settings.lease).await;
        survivor.acquire(&request).await.unwrap_err();
        until("a node alone", || survivor.nodes().get() == 1).await;
        drop((back, kept));
        let _both = (soon(&survivor, &request).await, soon(&survivor, &request).await);
    });
}

/// Redis is cut off, or silent, under load: each node goes on within its share, nobody waits long, and
/// afterwards the limit is exact again, with the permits that were given meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_node_gives_its_share_and_then_comes_back() {
    let Some(redis) = redis() else { return };
    for way in [Way::Cut, Way::Silent] {
        let link = FlakyLink::to(redis.address).await;
        let direct = settings(&redis);
        let through_link = RedisSettings {
            url: redis.by_way_of(link.address),
            lease: Duration::from_secs(2),
            command_for_max: Duration::from_millis(300),
            connect_for_max: Duration::from_millis(500),
            ..direct
        };
        let nodes = nodes(&through_link, 3).await;
        let request = within("acct_1", concurrency(10));
        let held_before = nodes[0].acquire(&request).await.unwrap();

        link.set(way);
        let began = Instant::now();
        let crowd: Vec<_> = (0..30)
            .map(|number| {
                let (permits, request) = (nodes[number % 3].clone(), request.clone());
                tokio::spawn(async move { permits.acquire(&request).await })
            })
            .collect();
        let mut held = Vec::new();
        for one in crowd {
            held.extend(one.await.unwrap());
        }
        assert!(began.elapsed() < Duration::from_secs(3), "a bounded wait: {:?}", began.elapsed());
        assert_eq!(held.len(), 8, "a third of ten each, less the one that is held");
        let began = Instant::now();
        assert!(!nodes[0].is_connected());
        nodes[0].acquire(&request).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_millis(250), "once it is known, nobody waits");

        // Longer than the lease, so that Redis has forgotten what was held.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        link.set(Way::Open);
        for one in &nodes {
            until("Redis is back", || one.is_connected()).await;
        }
        let last = take_all(&nodes[1], &request).await;
        assert_eq!(last.len(), 1, "nine of ten are held");
        drop((held_before, held, last));
        let _first = soon(&nodes[2], &request).await;
    }
}

/// A server that was restarted empty is told what is held before it lets anybody through.
#[tokio::test]
async fn a_server_that_has_forgotten_everything_is_told_again() {
    let Some(redis) = redis() else { return };
    let settings = settings(&redis);
    let nodes = nodes(&RedisSettings { lease: Duration::from_secs(3), ..settings.clone() }, 2).await;
    let request = within("acct_1", concurrency(4));
    let held = [nodes[0].acquire(&request).await.unwrap(), nodes[0].acquire(&request).await.unwrap()];

    let client = redis::Client::open(settings.url.expose()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let pattern = format!("{{{}}}*", settings.prefix);
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
    let _: () = redis::cmd("DEL").arg(keys).query_async(&mut connection).await.unwrap();

    // Whoever asks first learns that nothing is known.
    for one in &nodes {
        drop(one.acquire(&within("acct_2", concurrency(2))).await.unwrap());
        until("everything is told", || one.is_connected()).await;
    }
    assert_eq!(take_all(&nodes[1], &request).await.len(), 2, "two of four are held");
    drop(held);
}

/// Redis never was there: the node serves its share of the least number of nodes, and says that it is alone.
#[tokio::test]
async fn a_node_starts_without_redis() {
    let nowhere = Server { login: String::new(), address: "127.0.0.1:1".parse().unwrap() };
    let settings = RedisSettings { nodes_min: 2.try_into().unwrap(), ..settings(&nowhere) };
    let clock = Arc::new(SystemClock);
    let permits = RedisPermits::start(&settings, NodeId::generate(), clock, &TaskTracker::new()).unwrap();
    assert!(!permits.connected_within(Duration::from_millis(50)).await);
    assert_eq!(take_all(&permits, &within("acct_1", concurrency(5))).await.len(), 2);
}

/// RATE-03 on two nodes: who waits on one gets the place that is given back on the other.
#[tokio::test]
async fn who_waits_on_one_node_gets_what_is_given_back_on_another() {
    let Some(redis) = redis() else { return };
    let settings = settings(&redis);
    let (one, other) = (node(&settings).await, node(&settings).await);
    let queued = Arc::new(Queued::new(other, QueueSettings::default()));
    let request = within("acct_1", concurrency(1));
    let running = one.acquire(&request).await.unwrap();
    let waiting = tokio::spawn({
        let (queued, request) = (queued.clone(), request.clone());
        async move { queued.acquire(&request).await }
    });
    until("somebody waits", || queued.waiting() == 1).await;
    drop(running);
    drop(waiting.await.unwrap().unwrap());
}

/// A node that is stopped reports everything and says goodbye; it leaves nothing to wait for.
#[tokio::test]
async fn a_node_that_stops_leaves_at_once() {
    let Some(redis) = redis() else { return };
    let settings = RedisSettings { lease: Duration::from_secs(60), ..settings(&redis) };
    let tracker = TaskTracker::new();
    let clock = Arc::new(SystemClock);
    let leaving = RedisPermits::start(&settings, NodeId::generate(), clock, &tracker).unwrap();
    assert!(leaving.connected_within(Duration::from_secs(10)).await);
    let request = within("acct_1", concurrency(1));
    let permit = leaving.acquire(&request).await.unwrap();
    drop(leaving);
    drop(permit);
    tracker.close();
    tracker.wait().await;

    let staying = node(&settings).await;
    drop(staying.acquire(&request).await.unwrap());
    assert_eq!(staying.nodes().get(), 1);
}

#[test]
fn an_address_that_is_not_understood_is_not_repeated() {
    let settings = RedisSettings::at(Secret::new("http://user:hunter2@host"));
    let clock = Arc::new(SystemClock);
    let Err(error) = RedisPermits::start(&settings, NodeId::generate(), clock, &TaskTracker::new()) else {
        panic!("this is not an address of Redis");
    };
    let told = format!("{error} {error:?} {settings:?}");
    assert!(!told.contains("hunter2"), "{told}");
}
