use anyhow::ensure;

use super::{Bench, Charging, Gateway, MODEL};
use crate::chat::{self, CHAT_PATH, CODING_PATH};
use crate::drive::{Target, Until, closed_loop};
use crate::report::{Report, figure};
use crate::sample::Sample;
use crate::script::Script;

/// Who pays, and where such requests arrive.
struct Payer {
    title: &'static str,
    gateway: Gateway,
    target: Target,
    per_second: Sample,
    cpu_us: Sample,
}

impl Payer {
    fn new(title: &'static str, gateway: Gateway, path: &str) -> anyhow::Result<Self> {
        let Gateway::Azimuth(azimuth) = &gateway else { anyhow::bail!("only Azimuth charges") };
        let request = chat::request(&azimuth.address, path, &azimuth.key, &chat::body(MODEL, false));
        let target = Target::new(&azimuth.address, request);
        Ok(Self { title, gateway, target, per_second: Sample::default(), cpu_us: Sample::default() })
    }
}

/// What it costs that requests are paid for: limits, reservations, settlements, and the ledger that is written.
pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let script = Script::default();
    let counting = bench.azimuth_with("charging-off", &script, Charging::Off)?;
    let mut payers = [
        Payer::new("only counted", counting, CHAT_PATH)?,
        Payer::new("paid by the balance", bench.azimuth("charging-balance", &script)?, CHAT_PATH)?,
        Payer::new("paid by a plan", bench.azimuth("charging-plan", &script)?, CODING_PATH)?,
    ];
    // The first round warms everything up and does not count.
    for round in 0..=bench.options.rounds {
        for payer in &mut payers {
            let before = payer.gateway.process().cpu();
            let traffic = closed_loop(&payer.target, bench.options.connections, Until::After(bench.time()));
            let outcome = traffic.await;
            let cpu = payer.gateway.process().cpu() - before;
            let failed = outcome.failed;
            ensure!(failed == 0 && outcome.answered > 0, "{failed} requests failed, {}", payer.title);
            if round > 0 {
                payer.per_second.push(outcome.per_second());
                #[expect(clippy::cast_precision_loss, reason = "counts are small")]
                payer.cpu_us.push(cpu.as_secs_f64() * 1e6 / outcome.answered as f64);
            }
        }
    }

    let without = payers[0].per_second.median();
    for payer in &payers {
        let Payer { title, per_second, cpu_us, .. } = payer;
        let cpu = format!("{} µs", figure(cpu_us.median()));
        report.row([&format!("processor time of a request, {title}"), &cpu, "", "60 µs"]);
        let rate = format!("{}/s", figure(per_second.median()));
        report.row([&format!("throughput, {title}"), &rate, "", ""]);
    }
    for Payer { title, per_second, .. } in &payers[1..] {
        let lost = format!("{:.1} %", (1.0 - per_second.median() / without) * 100.0);
        report.row([&format!("throughput lost to being {title}"), &lost, "", "15 %"]);
    }
    Ok(())
}
