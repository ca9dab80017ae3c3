use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A set of processor cores.
#[derive(Clone, Debug)]
pub struct Cores(Vec<usize>);

impl Cores {
    /// Every core this process may use.
    pub fn all() -> Self {
        let set = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        Self((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
    }

    /// The first `count` cores, and the rest. With one core, or none left over, both are everything.
    pub fn split(self, count: usize) -> (Self, Self) {
        if count == 0 || count >= self.0.len() {
            return (self.clone(), self);
        }
        let (servers, driver) = self.0.split_at(count);
        (Self(servers.to_vec()), Self(driver.to_vec()))
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Keeps the calling thread, and all that it starts from now on, on these cores.
    pub fn keep_this_thread(&self) {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|&core| set.set(core));
        if let Err(error) = sched_setaffinity(None, &set) {
            eprintln!("load: cores cannot be chosen ({error}); figures share all cores");
        }
    }
}

impl std::fmt::Display for Cores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}
