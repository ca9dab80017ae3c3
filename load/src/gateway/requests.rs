use anyhow::ensure;

use super::{Bench, Gateway};
use crate::drive::{Until, closed_loop};
use crate::report::{Report, figure};
use crate::sample::Sample;
use crate::script::Script;

/// Whole answers as fast as they go.
pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let sixteen_events = Script::default();
    let one_piece = Script { always_whole: true, ..Script::default() };
    saturate(bench, report, "16 tokens, asked for as a stream", "events", &sixteen_events).await?;
    saturate(bench, report, "16 tokens, upstream answers in one piece", "whole", &one_piece).await
}

#[derive(Default)]
struct Figures {
    per_second: Sample,
    cpu_us: Sample,
    busy: Sample,
}

async fn saturate(
    bench: &Bench<'_>,
    report: &mut Report,
    title: &str,
    name: &str,
    script: &Script,
) -> anyhow::Result<()> {
    let gateways = bench.gateways(&format!("requests-{name}"), script)?;
    let mut figures: Vec<Figures> = gateways.iter().map(|_| Figures::default()).collect();
    // The first round warms everything up and does not count.
    for round in 0..=bench.options.rounds {
        for (gateway, figures) in gateways.iter().zip(&mut figures) {
            let (per_second, cpu_us, busy) = one_round(bench, gateway, script).await?;
            if round > 0 {
                figures.per_second.push(per_second);
                figures.cpu_us.push(cpu_us);
                figures.busy.push(busy);
            }
        }
    }

    let cells = |of: fn(&Figures) -> &Sample, show: fn(f64) -> String| {
        let mut cells = figures.iter().map(|figures| show(of(figures).median()));
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_else(|| "-".to_owned()))
    };
    let (azimuth, nginx) = cells(|figures| &figures.cpu_us, |us| format!("{} µs", figure(us)));
    report.row([&format!("processor time of a request ({title})"), &azimuth, &nginx, "60 µs"]);
    let (azimuth, nginx) = cells(|figures| &figures.per_second, |rate| format!("{}/s", figure(rate)));
    report.row([&format!("throughput ({title})"), &azimuth, &nginx, "half of nginx"]);
    let (azimuth, nginx) = cells(|figures| &figures.busy, |share| format!("{:.0} %", share * 100.0));
    report.row(["… with the server's cores busy for", &azimuth, &nginx, ""]);
    let ratio = |sample: fn(&Figures) -> &Sample| match &figures[..] {
        [azimuth, nginx] => figure(sample(azimuth).median() / sample(nginx).median()),
        _ => "-".to_owned(),
    };
    report.row([
        "… Azimuth's processor time over nginx's",
        &ratio(|figures| &figures.cpu_us),
        "1",
        "2 (half the throughput)",
    ]);
    Ok(())
}

async fn one_round(bench: &Bench<'_>, gateway: &Gateway, script: &Script) -> anyhow::Result<(f64, f64, f64)> {
    let target = gateway.target(script, false);
    let before = gateway.process().cpu();
    let outcome = closed_loop(&target, bench.options.connections, Until::After(bench.time())).await;
    let cpu = gateway.process().cpu() - before;
    ensure!(outcome.failed == 0 && outcome.answered > 0, "{} requests failed", outcome.failed);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let (answered, cores) = (outcome.answered as f64, bench.server_cores.count() as f64);
    let busy = cpu.as_secs_f64() / outcome.took.as_secs_f64() / cores;
    Ok((outcome.per_second(), cpu.as_secs_f64() * 1e6 / answered, busy))
}
