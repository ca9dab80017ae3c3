use anyhow::ensure;

use super::{Bench, Gateway};
use crate::drive::{Target, open_loop};
use crate::report::{Report, figure};
use crate::sample::Sample;
use crate::script::Script;

/// Enough that an answer is never still awaited when its connection's next turn comes.
const CONNECTIONS: usize = 32;

/// How much later an answer comes, and what it costs, at a rate far below what the server can do. Unlike in a closed
/// loop, every server is as busy as the others, and so are those it talks to.
pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let script = Script::default();
    let gateways = bench.gateways("latency", &script)?;
    let direct = bench.direct(&script, false);
    let targets: Vec<Target> = std::iter::once(direct)
        .chain(gateways.iter().map(|gateway| gateway.target(&script, false)))
        .collect();

    let mut middles: Vec<Sample> = targets.iter().map(|_| Sample::default()).collect();
    let mut tails = middles.clone();
    let mut costs: Vec<Sample> = gateways.iter().map(|_| Sample::default()).collect();
    for round in 0..=bench.options.rounds {
        for (place, target) in targets.iter().enumerate() {
            let gateway: Option<&Gateway> = place.checked_sub(1).and_then(|place| gateways.get(place));
            let before = gateway.map(|gateway| gateway.process().cpu());
            let outcome = open_loop(target, bench.options.rate, CONNECTIONS, bench.time()).await;
            ensure!(outcome.failed == 0 && outcome.answered > 0, "{} requests failed", outcome.failed);
            if let (true, Some(gateway), Some(before)) = (round > 0, gateway, before) {
                let cpu = gateway.process().cpu() - before;
                #[expect(clippy::cast_precision_loss, reason = "counts are small")]
                costs[place - 1].push(cpu.as_secs_f64() * 1e6 / outcome.answered as f64);
            }
            if round > 0 {
                middles[place].push(outcome.latencies.median());
                tails[place].push(outcome.latencies.quantile(0.99));
            }
        }
    }

    let rate = bench.options.rate;
    for (name, samples, budget) in [("p50", &middles, "150 µs"), ("p99", &tails, "1 ms")] {
        let best: Vec<f64> = samples.iter().map(Sample::median).collect();
        let added = |place: usize| {
            best.get(place).map_or_else(|| "-".to_owned(), |us| format!("{} µs", figure(us - best[0])))
        };
        report.row([
            &format!("added latency at {rate} requests a second, {name} (direct: {} µs)", figure(best[0])),
            &added(1),
            &added(2),
            budget,
        ]);
    }
    let cost = |place: usize| {
        costs.get(place).map_or_else(|| "-".to_owned(), |sample| format!("{} µs", figure(sample.median())))
    };
    report.row([
        &format!("processor time of a request at {rate} requests a second"),
        &cost(0),
        &cost(1),
        "60 µs",
    ]);
    Ok(())
}
