use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::cores::Cores;

/// A server that was started here, with whatever it starts itself. It dies with this value.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command` on `cores`; what it prints goes to `log`.
    pub fn start(name: &str, mut command: Command, cores: &Cores, log: &Path) -> anyhow::Result<Self> {
        let log = fs::File::create(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let cores = cores.clone();
        // Cores are inherited from the thread that starts it.
        let starting = std::thread::spawn(move || {
            cores.keep_this_thread();
            command.spawn()
        });
        let child = match starting.join() {
            Ok(started) => started.with_context(|| format!("{name} cannot be started"))?,
            Err(_) => bail!("{name} cannot be started"),
        };
        Ok(Self { child, name: name.to_owned() })
    }

    /// Waits until `is_ready`, and says how long that took.
    pub fn wait_until(
        &mut self,
        most: Duration,
        mut is_ready: impl FnMut() -> bool,
    ) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while !is_ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended: {status}", self.name);
            }
            if began.elapsed() > most {
                bail!("{} is not ready after {most:?}", self.name);
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(began.elapsed())
    }

    /// Processor time so far, of it and its children.
    pub fn cpu(&self) -> Duration {
        let ticks: u64 = self.family().into_iter().filter_map(ticks).sum();
        Duration::from_secs(ticks).div_f64(ticks_per_second())
    }

    /// Resident memory in bytes, of it and its children.
    pub fn resident(&self) -> u64 {
        self.family().into_iter().filter_map(|id| status_kib(id, "VmRSS:")).sum::<u64>() * 1024
    }

    /// How many threads it runs.
    pub fn threads(&self) -> u64 {
        self.family().into_iter().filter_map(|id| status_kib(id, "Threads:")).sum()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL: it has no chance to write anything more.
    pub fn kill(mut self) {
        self.end(Signal::KILL, Duration::from_secs(10));
    }

    fn family(&self) -> Vec<u32> {
        let own = self.child.id();
        let mut family = vec![own];
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if stat_field(id, 4) == Some(u64::from(own)) {
                family.push(id);
            }
        }
        family
    }

    fn end(&mut self, signal: Signal, most: Duration) {
        let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        if !self.is_running() || kill_process(id, signal).is_err() {
            return;
        }
        let began = Instant::now();
        while self.is_running() {
            if began.elapsed() > most {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(Signal::TERM, Duration::from_secs(5));
    }
}

fn ticks_per_second() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "it is 100")]
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    ticks
}

fn ticks(id: u32) -> Option<u64> {
    Some(stat_field(id, 14)? + stat_field(id, 15)?)
}

/// Field `number` of `/proc/ID/stat`, counted from one as in proc(5).
fn stat_field(id: u32, number: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is a name in brackets, which may hold spaces.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(number.checked_sub(3)?)?.parse().ok()
}

fn status_kib(id: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
