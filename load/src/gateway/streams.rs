use std::time::Duration;

use anyhow::ensure;
use futures::future::join_all;

use super::{Bench, Gateway};
use crate::connection::Connection;
use crate::events::EventCount;
use crate::report::{Report, figure};
use crate::sample::Sample;
use crate::script::Script;

const STREAMS: usize = 200;
const EVENTS: usize = 500;

/// What one event costs on its way through, when each travels alone and when many travel together.
pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let paced = Script { events: EVENTS, interval: Duration::from_millis(10), ..Script::default() };
    let burst = Script { events: EVENTS, ..Script::default() };
    costs(bench, report, "one by one, 100 a second each", "paced", &paced).await?;
    costs(bench, report, "all at once", "burst", &burst).await
}

async fn costs(
    bench: &Bench<'_>,
    report: &mut Report,
    title: &str,
    name: &str,
    script: &Script,
) -> anyhow::Result<()> {
    let gateways = bench.gateways(&format!("streams-{name}"), script)?;
    let mut samples: Vec<Sample> = gateways.iter().map(|_| Sample::default()).collect();
    // A burst is over too soon for the clock of processor time.
    let repeats = if script.interval.is_zero() { 10 } else { 1 };
    for round in 0..=bench.options.rounds {
        for (gateway, sample) in gateways.iter().zip(&mut samples) {
            let cost = one_round(gateway, script, repeats).await?;
            if round > 0 {
                sample.push(cost);
            }
        }
    }
    let mut cells = samples.iter().map(|sample| format!("{} µs", figure(sample.median())));
    let (azimuth, nginx) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_else(|| "-".to_owned()));
    let title = format!("processor time of an event ({STREAMS} streams of {EVENTS}, {title})");
    report.row([&title, &azimuth, &nginx, "3 µs"]);
    Ok(())
}

/// Microseconds of processor time an event.
async fn one_round(gateway: &Gateway, script: &Script, repeats: usize) -> anyhow::Result<f64> {
    let target = gateway.target(script, true);
    let before = gateway.process().cpu();
    let streams = (0..STREAMS).map(|_| {
        let target = target.clone();
        tokio::spawn(async move {
            let mut count = EventCount::default();
            let mut connection = Connection::open(&target.address).await?;
            for _ in 0..repeats {
                connection.exchange(&target.request, |piece| count.take(piece)).await?;
            }
            std::io::Result::Ok(count.events)
        })
    });
    let mut events = 0;
    for stream in join_all(streams).await {
        events += stream??;
    }
    let cpu = gateway.process().cpu() - before;
    ensure!(events >= STREAMS * EVENTS * repeats, "only {events} events came through");
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let cost = cpu.as_secs_f64() * 1e6 / events as f64;
    Ok(cost)
}
