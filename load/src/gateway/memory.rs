use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Bench, Gateway};
use crate::connection::Connection;
use crate::drive::{Target, Until, closed_loop};
use crate::limits::open_files_max;
use crate::report::{Report, figure, mib};
use crate::script::Script;

/// Files a server needs besides two for each stream.
const SPARE_FILES: u64 = 200;
/// Streams that are being opened at a time.
const OPENING_MAX: usize = 128;

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    for &streams in &bench.options.open_streams {
        let possible = usize::try_from((open_files_max() - SPARE_FILES) / 2).unwrap_or(usize::MAX);
        if streams > possible {
            eprintln!("load: {streams} streams need more open files than allowed; taking {possible}");
        }
        open_streams(bench, report, streams.min(possible)).await?;
    }
    after_many_requests(bench, report).await
}

/// Streams that have begun and then say something every ten seconds.
async fn open_streams(bench: &Bench<'_>, report: &mut Report, count: usize) -> anyhow::Result<()> {
    let script = Script { events: 1000, interval: Duration::from_secs(10), ..Script::default() };
    let mut cells = vec![];
    for gateway in bench.gateways(&format!("memory-{count}"), &script)? {
        let target = gateway.target(&script, true);
        // One request first, so that what is made once is not counted.
        drop(open(target.clone()).await?);
        let before = gateway.process().resident();
        let streams = open_many(&target, count).await.with_context(|| gateway.name())?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let after = gateway.process().resident();
        drop(streams);
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let each = after.saturating_sub(before) as f64 / 1024.0 / count as f64;
        cells.push(format!("{} KiB ({} in all)", figure(each), mib(after)));
    }
    cells.push("-".to_owned());
    let title = format!("memory of an open stream, {} of them", figure(figure_of(count)));
    report.row([&title, &cells[0], &cells[1], "25 KiB"]);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn figure_of(count: usize) -> f64 {
    count as f64
}

async fn open_many(target: &Target, count: usize) -> anyhow::Result<Vec<Connection>> {
    let turns = Arc::new(Semaphore::new(OPENING_MAX));
    let mut opening = JoinSet::new();
    for _ in 0..count {
        let (target, turns) = (target.clone(), turns.clone());
        opening.spawn(async move {
            let _turn = turns.acquire().await;
            open(target).await
        });
    }
    let mut streams = Vec::with_capacity(count);
    while let Some(opened) = opening.join_next().await {
        streams.push(opened??);
    }
    Ok(streams)
}

async fn open(target: Target) -> anyhow::Result<Connection> {
    let mut connection = Connection::open(&target.address).await?;
    let status = connection.begin(&target.request).await?;
    ensure!(status == 200, "a stream was refused with {status}");
    Ok(connection)
}

async fn after_many_requests(bench: &Bench<'_>, report: &mut Report) -> anyhow::Result<()> {
    let script = Script::default();
    let gateway: Gateway = bench.azimuth("memory-requests", &script)?;
    let target = gateway.target(&script, false);
    let all = bench.options.memory_requests;
    let mut resident = vec![];
    for part in [all / 10, all * 4 / 10, all / 2] {
        let outcome = closed_loop(&target, bench.options.connections, Until::Requests(part)).await;
        ensure!(outcome.failed == 0, "{} requests failed", outcome.failed);
        resident.push(mib(gateway.process().resident()));
    }
    let title = format!("memory after 10 %, 50 % and all of {} requests", figure(figure_of(all)));
    report.row([&title, &resident.join(", "), "", "flat"]);
    Ok(())
}
