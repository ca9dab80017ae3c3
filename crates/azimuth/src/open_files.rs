/// Each streamed answer holds a connection to the client and perhaps one to a host.
const FILES_PER_CONNECTION: u64 = 2;
/// The database, models, the terminal and what libraries keep open.
const FILES_FOR_ITSELF: u64 = 200;

/// Raises the limit of open files as far as the system lets a process raise it, and warns if `connections_max` of
/// them do not fit. Many systems start programs with room for a thousand files, whatever they would allow.
#[cfg(unix)]
pub(crate) fn raise_limit(connections_max: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Nothing given means no limit.
    let wanted = FILES_FOR_ITSELF + FILES_PER_CONNECTION * connections_max as u64;
    let target = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    if current.is_some_and(|current| current < target)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(target), maximum })
    {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    if target < wanted {
        tracing::warn!(
            limit = target,
            "the system allows {target} open files: about {} connections, fewer than `server.connections_max`",
            target.saturating_sub(FILES_FOR_ITSELF) / FILES_PER_CONNECTION
        );
    }
}

/// Systems without such a limit have nothing to raise.
#[cfg(not(unix))]
pub(crate) fn raise_limit(_connections_max: usize) {}
