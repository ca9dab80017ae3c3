//! What a node answered while the database was away outlives the node.

use std::slice;
use std::time::{Duration, Instant};

use testkit::gate::Gate;

use crate::client::Answered;
use crate::node::Node;
use crate::site::{COST, Site, cost_of};
use crate::traffic::Traffic;

/// Longer than the group under way needs to reach the disk, on a busy machine.
const ON_DISK_WITHIN: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_the_database_is_stopped_loses_no_answer() {
    nothing_is_lost(Gate::shut, async |node| node.kill_dash_nine()).await;
}

/// Transactions are under way in which nobody will ever be interested again.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_the_database_is_silent_loses_no_answer() {
    nothing_is_lost(Gate::stall, async |node| node.kill_dash_nine()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_while_the_database_is_away_leaves_its_records_to_the_next_start() {
    nothing_is_lost(Gate::shut, Node::stop).await;
}

/// The database goes away under load; answers within leases go on; the node ends, in one way or another; the database comes
/// back; the node is started again: each answer is paid for, and once.
async fn nothing_is_lost(cut: fn(&Gate), end: impl AsyncFnOnce(Node)) {
    let Some(site) = Site::shared().await else { return };
    let [node] = site.nodes().await;
    let (account, key) = site.customer("100").await;

    let traffic = Traffic::default();
    let (all, began) = tokio::join!(traffic.run(slice::from_ref(&node), &key), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cut(&site.services().postgres);
        let began = Instant::now();
        tokio::time::sleep(Duration::from_secs(4)).await;
        traffic.ends();
        began
    });
    let answered: Vec<&Answered> = all.iter().filter(|answer| answer.is_ok()).collect();
    let without_database = answered.iter().filter(|answer| answer.began > began).count();
    assert!(without_database > 0, "requests within leases go on");
    tokio::time::sleep(ON_DISK_WITHIN).await;
    assert!(journal_files(&site) > 0, "{}", node.log());

    end(node).await;
    site.services().postgres.open();
    let node = site.start_again(0).ready().await;
    for answer in &answered {
        let request = answer.request.as_ref().expect("every answer names its request");
        assert_eq!(site.settled(request).await.charged, COST, "{request}");
    }
    eprintln!("{} answers, {without_database} of them without a database", answered.len());
    assert_eq!(site.charged(account, "100").await, cost_of(answered.len()));
    site.books_are_clean().await;
    assert_eq!(journal_files(&site), 0, "everything is where it belongs: {}", node.log());
}

/// How many files the first node's journal has, beside the one that says whose it is.
fn journal_files(site: &Site) -> usize {
    let folder = std::fs::read_dir(site.folder.path().join("data-0/journal")).expect("there is a journal");
    folder.filter(|entry| entry.as_ref().expect("readable").file_name() != "lock").count()
}
