//! Three nodes on one PostgreSQL and one Redis mean the same as one.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::Value;
use vocab::NanoUsd;

use crate::client::{CODING, Client, GENERAL, insist, let_go};
use crate::node::Node;
use crate::site::{COST, Site};

/// How long a node may take to notice a change of prices, on a busy machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_mean_the_same_as_one() {
    let Some(site) = Site::shared().await else { return };
    let nodes: [Node; 3] = site.nodes().await;

    two_at_once_are_two_wherever_they_are(&site, &nodes).await;
    tokio::join!(
        a_balance_is_spent_to_exactly_what_it_covers(&site, &nodes),
        a_plan_of_twenty_calls_lets_twenty_through(&site, &nodes),
    );
    a_revoked_key_opens_no_node_a_second_later(&site, &nodes).await;
    prices_change_everywhere(&site, &nodes).await;

    join_all(nodes.map(Node::stop)).await;
    site.books_are_clean().await;
}

/// RATE-01: two requests at once are two across all nodes; when they end, the places can be taken anywhere.
async fn two_at_once_are_two_wherever_they_are(site: &Site, nodes: &[Node; 3]) {
    let (account, key) = site.customer("1").await;
    site.let_run_at_once(account, 2).await;
    let (client, host) = (Client::new(), &site.silent_host);

    let [first, second, third] = nodes;
    let held = [client.hold(first, &key, host).await, client.hold(second, &key, host).await];
    for node in nodes {
        let refusal = client.ask_silent(node, &key).await;
        assert_eq!((refusal.status, refusal.code.as_str()), (429, "1302"), "{}", node.log());
    }
    let_go(held);

    let held = [client.hold(third, &key, host).await, client.hold(third, &key, host).await];
    assert_eq!(client.ask_silent(first, &key).await.code, "1302", "{}", first.log());
    let_go(held);
}

/// BILL-10: whoever pays for sixty answers gets sixty, however many ask at once and wherever, and owes nothing after.
async fn a_balance_is_spent_to_exactly_what_it_covers(site: &Site, nodes: &[Node; 3]) {
    const ANSWERS: usize = 60;
    let (account, key) = site.customer("0.12").await;
    let insisted = insist(nodes, GENERAL, &key, 4).await;
    assert_eq!(insisted.answered, ANSWERS, "{insisted:?}");
    assert_eq!(insisted.refused.keys().collect::<Vec<_>>(), ["1113"]);

    let funds = site.funds(account).await;
    assert_eq!((funds.cash, funds.credits, funds.held), (NanoUsd::ZERO, NanoUsd::ZERO, NanoUsd::ZERO));
}

/// QUOTA-01, QUOTA-02: one prompt in five hours is twenty calls, not twenty a node.
async fn a_plan_of_twenty_calls_lets_twenty_through(site: &Site, nodes: &[Node; 3]) {
    let (account, key) = site.customer("1").await;
    site.subscribe(account, "lite").await;
    let insisted = insist(nodes, CODING, &key, 4).await;
    assert_eq!(insisted.answered, 20, "{insisted:?}");
    assert_eq!(insisted.refused.keys().collect::<Vec<_>>(), ["1308"]);
    assert_eq!(site.charged(account, "1").await, NanoUsd::ZERO, "ENDP-05: a plan's door never takes money");
}

/// AUTH-08.
async fn a_revoked_key_opens_no_node_a_second_later(site: &Site, nodes: &[Node; 3]) {
    let (account, key) = site.customer("1").await;
    let client = Client::new();
    for node in nodes {
        assert_eq!(client.ask(node, GENERAL, &key).await.status, 200);
    }
    let theirs = site.keys.list(Some(account), None, 10).await.expect("the store answers");
    let mut revoke = site.azimuth("data-0");
    revoke.args(["keys", "revoke", &theirs[0].id.to_string(), "--json"]);
    let output = tokio::task::block_in_place(|| revoke.output()).expect("the program runs");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["was_alive"], true);

    tokio::time::sleep(Duration::from_secs(1)).await;
    for node in nodes {
        let refusal = client.ask(node, GENERAL, &key).await;
        assert_eq!((refusal.status, refusal.code.as_str()), (401, "1002"));
    }
}

/// BILL-20: prices that the operator changes are in force on every node a moment later, and each charge says by which
/// version it was made.
async fn prices_change_everywhere(site: &Site, nodes: &[Node; 3]) {
    let (_, key) = site.customer("1").await;
    let client = Client::new();
    let charge = async |node: &Node| {
        let answer = client.ask(node, GENERAL, &key).await;
        site.settled(&answer.request.expect("an id")).await
    };
    for node in nodes {
        let settled = charge(node).await;
        assert_eq!((settled.price_version, settled.charged), (1, COST));
    }
    let version = site.change_prices(1, "2000").await;
    let changed = Instant::now();
    for node in nodes {
        let mut settled = charge(node).await;
        while settled.price_version != version {
            assert!(changed.elapsed() < NOTICED_WITHIN, "{settled:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            settled = charge(node).await;
        }
        assert_eq!(settled.charged, NanoUsd(2 * COST.0));
    }
}
