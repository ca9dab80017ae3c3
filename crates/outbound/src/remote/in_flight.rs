use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests a host is working on, and how many it may.
#[derive(Debug)]
pub(super) struct InFlight {
    count: Arc<AtomicUsize>,
    max: Option<usize>,
}

impl InFlight {
    pub fn new(max: Option<usize>) -> Self {
        Self { count: Arc::default(), max }
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Takes a place, or says that there is none.
    pub fn enter(&self) -> Option<Slot> {
        let max = self.max.unwrap_or(usize::MAX);
        // The count guards no other data, so no ordering is asked for.
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < max).then(|| count + 1))
            .ok()
            .map(|_| Slot(Arc::clone(&self.count)))
    }
}

/// One request's place; dropping it leaves the place to another.
#[derive(Debug)]
pub(super) struct Slot(Arc<AtomicUsize>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
