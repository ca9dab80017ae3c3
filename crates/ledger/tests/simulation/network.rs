//! What lies between nodes and the store: calls and answers that are late or lost.

use vocab::RequestId;

use crate::calls::{Answer, Call};
use crate::journal::JOURNAL_AFTER_MS;
use crate::world::{Event, World};

/// As long as the margin allows.
const CALL_TIMEOUT_MS: i64 = 4_000;

impl World {
    pub fn send(&mut self, node: u64, what: Call) {
        self.next += 1;
        let call = self.next;
        self.calls.insert((node, call), what.clone());
        self.after(CALL_TIMEOUT_MS, Event::Timeout { node, call });
        if matches!(what, Call::Settle(_)) {
            self.after(JOURNAL_AFTER_MS, Event::Late { node, call });
        }
        if !self.is_lost() {
            let delay = self.delay();
            self.after(delay, Event::Deliver { node, call, what });
        }
    }

    /// A call may arrive when its node has long given it up, or is gone.
    pub fn deliver(&mut self, node: u64, call: u64, what: &Call) {
        if !self.store.is_up {
            return;
        }
        let answer = self.store.apply(what);
        if self.is_lost() {
            self.store.count("lost answers");
        } else {
            let delay = self.delay();
            self.after(delay, Event::Answer { node, call, answer });
        }
    }

    pub fn answer(&mut self, key: u64, call: u64, answer: Option<&Answer>) {
        let Some(call) = self.calls.remove(&(key, call)) else { return };
        let now = self.clock(key);
        let Some(node) = self.nodes.get_mut(&key) else { return };
        match (&call, answer) {
            (Call::Settle(_), Some(_)) => {
                let inherited =
                    std::mem::take(&mut node.inherited).into_iter().map(|settlement| settlement.request);
                let written: Vec<RequestId> = inherited.chain(node.written()).collect();
                node.is_behind &= !node.unsent.is_empty();
                self.unjournal(key, &written);
                self.acknowledged.extend(written);
                self.write(key);
            }
            (Call::Settle(_), None) if !node.inherited.is_empty() => self.replay(key),
            (Call::Settle(_), None) => self.write_group(key),
            _ => {
                let more = node.answered(&call, answer, now);
                let waiting = std::mem::take(&mut node.waiting);
                more.into_iter().for_each(|call| self.send(key, call));
                waiting.into_iter().for_each(|wish| self.reserve(key, wish));
            }
        }
    }

    fn is_lost(&mut self) -> bool {
        self.is_rough && self.random.chance(25)
    }

    /// Mostly quick; sometimes longer than anyone waits.
    fn delay(&mut self) -> i64 {
        if self.is_rough && self.random.chance(40) {
            self.random.between(100, 8_000)
        } else {
            self.random.between(0, 15)
        }
    }
}
