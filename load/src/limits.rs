use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and those it starts, open as many files as the system allows. A stream through a server
/// takes two.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused, `open_files_max` says what is left.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// How many files one process may have open.
pub fn open_files_max() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
