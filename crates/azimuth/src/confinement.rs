//! A process that gives up what it does not need, before it touches what it does not trust.

use std::io;

/// Leaves this process `memory_bytes` and `cpu_seconds`, what it has open already, and nothing else: it can open no
/// file and no connection, start no program, and write into no file. There is no way back.
///
/// # Errors
///
/// When the system refuses; whoever is not confined must not go on.
#[cfg(unix)]
pub(crate) fn confine(memory_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, nice, setrlimit};

    let mut limits = vec![
        (Resource::Core, 0),
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, 0),
        // Files and sockets are numbers, and no further number may be given out.
        (Resource::Nofile, 0),
    ];
    // Elsewhere the system does not keep to these, or refuses to set them.
    if cfg!(target_os = "linux") {
        limits.extend([(Resource::As, memory_bytes), (Resource::Nproc, 0)]);
    }
    for (resource, limit) in limits {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    // Those who wait for an answer of a model come first. Not to be polite is no danger.
    let _ = nice(10);
    Ok(())
}

/// Only the clock ends what does not end by itself.
#[cfg(not(unix))]
pub(crate) fn confine(_memory_bytes: u64, _cpu_seconds: u64) -> io::Result<()> {
    Ok(())
}
