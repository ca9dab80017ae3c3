use std::fs;
use std::time::Duration;

use super::{Bench, Charging};
use crate::report::{Report, figure, mib};
use crate::sample::Sample;
use crate::script::Script;

/// Start-up, idle memory and size, without an embedded model.
pub(super) fn measure(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let script = Script::default();
    let (mut first, mut again) = (Sample::default(), Sample::default());
    let mut resident = 0;
    let mut threads = 0;
    for round in 0..bench.options.rounds {
        let installation =
            bench.installation(&bench.folder(&format!("start-{round}")), &script, Charging::On)?;
        first.push_time(installation.start(&bench.server_cores)?.ready_after);
        let azimuth = installation.start(&bench.server_cores)?;
        again.push_time(azimuth.ready_after);
        if round == 0 {
            std::thread::sleep(Duration::from_secs(3));
            resident = azimuth.process.resident();
            threads = azimuth.process.threads();
        }
    }
    let milliseconds = |sample: &Sample| format!("{} ms", figure(sample.median() / 1000.0));
    report.row(["start until ready, new data folder", &milliseconds(&first), "", "300 ms"]);
    report.row(["start until ready, existing data folder", &milliseconds(&again), "", "300 ms"]);
    report.row([&format!("idle memory ({threads} threads)"), &mib(resident), "", "60 MiB"]);
    let bytes = fs::metadata(&bench.options.azimuth)?.len();
    report.row(["the program, engine and demo model in it", &mib(bytes), "", "40 MiB without the engine"]);
    Ok(())
}
