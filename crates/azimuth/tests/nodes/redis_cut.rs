//! Redis goes away while requests run, and comes back.

use std::time::{Duration, Instant};

use testkit::gate::Gate;
use vocab::{AccountId, NanoUsd, Secret};

use crate::client::{Client, GENERAL, let_go};
use crate::node::Node;
use crate::site::Site;

/// Nodes hear of a new one with the next renewal of their leases, a third of ten seconds later at most.
const ACQUAINTED_AFTER: Duration = Duration::from_secs(4);

/// How long nodes may take to come back.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_limits_are_stricter_and_nobody_waits() {
    let Some(site) = Site::shared().await else { return };
    let house = House::open(site).await;
    house.gives_four_places_to_whoever_comes().await;
    house.gives_half_of_them_on_each_node_while(Gate::shut).await;
    house.gives_half_of_them_on_each_node_while(Gate::stall).await;
    house.gives_four_places_to_whoever_comes().await;
    house.has_taken_no_money().await;
}

/// Two nodes, and an account that may run four requests at once.
struct House {
    site: Site,
    nodes: [Node; 2],
    account: AccountId,
    key: Secret,
    client: Client,
}

impl House {
    async fn open(site: Site) -> Self {
        let nodes = site.nodes().await;
        let (account, key) = site.customer("1").await;
        site.let_run_at_once(account, 4).await;
        tokio::time::sleep(ACQUAINTED_AFTER).await;
        Self { site, nodes, account, key, client: Client::new() }
    }

    /// All through one node, and then there is no room on the other either.
    async fn gives_four_places_to_whoever_comes(&self) {
        let [first, second] = &self.nodes;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(self.client.hold(first, &self.key, &self.site.silent_host).await);
        }
        self.is_full(first).await;
        self.is_full(second).await;
        let_go(held);
    }

    /// Each node knows of two places only; so four are taken, and the fifth is refused as before. When Redis is back it
    /// hears of all four.
    async fn gives_half_of_them_on_each_node_while(&self, cut: fn(&Gate)) {
        cut(&self.site.services().redis);
        let mut held = Vec::new();
        for node in &self.nodes {
            for _ in 0..2 {
                held.push(self.client.hold(node, &self.key, &self.site.silent_host).await);
            }
            self.is_full(node).await;
        }
        let asked = Instant::now();
        assert_eq!(self.client.ask(&self.nodes[0], GENERAL, &self.key).await.code, "1302");
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());

        self.site.services().redis.open();
        self.notices_that_redis_is_back().await;
        for node in &self.nodes {
            self.is_full(node).await;
        }
        let_go(held);
    }

    async fn is_full(&self, node: &Node) {
        let refusal = self.client.ask_silent(node, &self.key).await;
        assert_eq!((refusal.status, refusal.code.as_str()), (429, "1302"), "{}", node.log());
    }

    async fn notices_that_redis_is_back(&self) {
        let opened = Instant::now();
        for node in &self.nodes {
            while count(node, "redis keeps the permits") <= count(node, "redis is lost") {
                assert!(opened.elapsed() < NOTICED_WITHIN, "{}", node.log());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Nobody was answered, so nobody pays.
    async fn has_taken_no_money(self) {
        let Self { site, nodes, account, .. } = self;
        site.is_charged_in_the_end(nodes.into(), account, "1", 0).await;
        assert_eq!(site.charged(account, "1").await, NanoUsd::ZERO);
    }
}

fn count(node: &Node, words: &str) -> usize {
    node.log().matches(words).count()
}
