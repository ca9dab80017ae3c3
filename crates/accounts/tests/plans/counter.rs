//! A counter of quota as simple as can be: it remembers every use and adds up those that a window reaches.

use accounts::{Plan, PlanBook, Subscription};
use ledger::{PoolKind, Units, WindowName, WindowSpan};
use vocab::Timestamp;

pub struct Counter<'a> {
    pub book: &'a PlanBook,
    pub plan: &'a Plan,
    pub subscription: &'a Subscription,
    pub kind: PoolKind,
    uses: Vec<(Timestamp, Units)>,
}

impl<'a> Counter<'a> {
    pub fn new(book: &'a PlanBook, plan: &'a Plan, subscription: &'a Subscription, kind: PoolKind) -> Self {
        Self { book, plan, subscription, kind, uses: Vec::new() }
    }

    /// Uses `units` at `at`, or says which window is full and when it resets; of several the one that ends later.
    pub fn take(&mut self, units: Units, at: Timestamp) -> Result<(), (WindowName, Timestamp)> {
        let full = self
            .book
            .windows(self.plan, self.subscription, self.kind, at)
            .into_iter()
            .filter_map(|window| {
                let inside = self.inside(window.span, at);
                let used: i64 = inside.iter().map(|(_, units)| units.0).sum();
                (used + units.0 > window.limit.0).then(|| (window.name, self.resets(window.span, &inside)))
            })
            .max_by_key(|(_, resets)| *resets);
        match full {
            Some(full) => Err(full),
            None => {
                self.uses.push((at, units));
                Ok(())
            }
        }
    }

    /// What is free in the window called `name`.
    pub fn free(&self, name: WindowName, at: Timestamp) -> Units {
        let windows = self.book.windows(self.plan, self.subscription, self.kind, at);
        let window = windows.into_iter().find(|window| window.name == name).unwrap();
        let used = self.inside(window.span, at).iter().map(|(_, units)| units.0).sum();
        window.limit.minus(Units(used))
    }

    fn inside(&self, span: WindowSpan, at: Timestamp) -> Vec<(Timestamp, Units)> {
        let reaches = |used: Timestamp| match span {
            WindowSpan::Rolling(length) => at < used.plus(length),
            WindowSpan::Anchored { starts, ends } => (starts..ends).contains(&used),
        };
        self.uses.iter().copied().filter(|(used, _)| reaches(*used)).collect()
    }

    fn resets(&self, span: WindowSpan, inside: &[(Timestamp, Units)]) -> Timestamp {
        match span {
            WindowSpan::Rolling(length) => inside.first().unwrap().0.plus(length),
            WindowSpan::Anchored { ends, .. } => ends,
        }
    }
}
