//! PostgreSQL goes away under load, and comes back.

use std::time::{Duration, Instant};

use testkit::gate::Gate;

use crate::client::Answered;
use crate::node::Node;
use crate::site::Site;
use crate::traffic::Traffic;

/// How long it is gone, unless `AZIMUTH_OUTAGE_SECONDS` says otherwise.
const CUT: Duration = Duration::from_secs(8);

/// A server that stops: connections end, and there are no new ones.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stops_costs_nobody_anything() {
    Outage::of(Gate::shut).await;
}

/// The worse case: connections stay, and nothing is heard on them. What was asked before is carried out later.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_costs_nobody_anything() {
    Outage::of(Gate::stall).await;
}

fn cut_for() -> Duration {
    let asked = std::env::var("AZIMUTH_OUTAGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    asked.map_or(CUT, Duration::from_secs)
}

/// What clients see while their installation has no database for a while.
struct Outage {
    before: Vec<Answered>,
    during: Vec<Answered>,
    after: Vec<Answered>,
}

impl Outage {
    /// Requests within leases go on; then everyone hears at once that it is unavailable, and never that a key is wrong;
    /// then everything goes on, and each answer is paid for once.
    async fn of(cut: fn(&Gate)) {
        let Some(site) = Site::shared().await else { return };
        let nodes: [Node; 2] = site.nodes().await;
        let (account, key) = site.customer("100").await;

        let traffic = Traffic::default();
        let (all, (began, ended)) = tokio::join!(traffic.run(&nodes, &key), async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            cut(&site.services().postgres);
            let began = Instant::now();
            tokio::time::sleep(cut_for()).await;
            let ended = Instant::now();
            site.services().postgres.open();
            tokio::time::sleep(Duration::from_secs(5)).await;
            traffic.ends();
            (began, ended)
        });

        let answers = all.iter().filter(|answer| answer.is_ok()).count();
        let during = |answer: &Answered| began <= answer.began && answer.began < ended;
        let outage = Self {
            before: all.iter().filter(|answer| answer.began < began).cloned().collect(),
            during: all.iter().filter(|answer| during(answer)).cloned().collect(),
            after: all.iter().filter(|answer| answer.began >= ended).cloned().collect(),
        };
        outage.was_bearable();
        site.is_charged_in_the_end(nodes.into(), account, "100", answers).await;
    }

    fn was_bearable(&self) {
        let all = || self.before.iter().chain(&self.during).chain(&self.after);
        for answer in all().filter(|answer| !answer.is_ok()) {
            assert_eq!((answer.status, answer.code.as_str()), (503, "1120"), "{answer:?}");
        }
        let answered = |answers: &[Answered]| answers.iter().filter(|answer| answer.is_ok()).count();
        let quick = self.during.iter().filter(|answer| answer.took < Duration::from_millis(500)).count();
        eprintln!(
            "before {}/{}, during {}/{} ({quick} quick, slowest {:?}), after {}/{}",
            answered(&self.before),
            self.before.len(),
            answered(&self.during),
            self.during.len(),
            self.during.iter().map(|answer| answer.took).max(),
            answered(&self.after),
            self.after.len()
        );
        assert_eq!(answered(&self.before), self.before.len());
        assert!(answered(&self.during) > 0, "requests within leases go on");
        assert!(answered(&self.during) < self.during.len(), "leases do not last for ever");
        assert!(quick * 2 >= self.during.len(), "whoever is refused hears it at once");
        assert!(self.after.iter().rev().take(10).all(Answered::is_ok), "in the end everything goes on");
    }
}
