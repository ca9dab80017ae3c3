//! What happens to everyone: nodes end and start, clocks are turned, money comes in, and what is over is swept up.

use vocab::NanoUsd;

use crate::node::Node;
use crate::store::ACCOUNTS;
use crate::world::{Event, TICK_MS, World};

/// A little less than half the margin of the leases.
const SKEW_MS: i64 = 2_400;

impl World {
    pub fn sweep(&mut self) {
        if let Some(node) = self.any_node()
            && self.store.is_up
        {
            let at = self.clock(node);
            self.store.sweep(at);
        }
        let pause = self.random.between(200, 2_000);
        self.after(pause, Event::Sweep);
    }

    pub fn pay_in(&mut self) {
        if self.is_calm {
            return;
        }
        let (now, account) = (self.time(), self.random.below(ACCOUNTS));
        let amount = NanoUsd(self.random.between(1, 4_000));
        if self.random.chance(500) {
            self.store.top_up(&mut self.random, account, amount, now);
        } else {
            self.store.grant(&mut self.random, account, amount, now);
        }
        let pause = self.random.between(500, 5_000);
        self.after(pause, Event::PayIn);
    }

    /// kill -9, or an orderly end.
    pub fn node_ends(&mut self) {
        if self.is_calm {
            return;
        }
        if let Some(key) = self.any_node() {
            if self.random.chance(300) {
                self.nodes.get_mut(&key).unwrap().is_closing = true;
            } else {
                self.nodes.remove(&key);
                self.disks.orphan(key);
                self.store.count("crashes");
            }
            let pause = self.random.between(0, 3_000);
            self.after(pause, Event::NodeStarts);
        }
        let pause = self.random.between(500, 15_000);
        self.after(pause, Event::NodeEnds);
    }

    pub fn node_starts(&mut self) {
        let id = self.random.node_id();
        let skew_ms = self.random.between(-SKEW_MS, SKEW_MS);
        self.next += 1;
        let key = self.next;
        self.nodes.insert(key, Node::new(id, skew_ms));
        self.inherit(key);
        let pause = self.random.between(0, TICK_MS);
        self.after(pause, Event::Tick { node: key });
    }

    pub fn clock_turns(&mut self) {
        if let Some(key) = self.any_node() {
            self.nodes.get_mut(&key).unwrap().skew_ms = self.random.between(-SKEW_MS, SKEW_MS);
        }
        let pause = self.random.between(500, 10_000);
        self.after(pause, Event::ClockTurns);
    }
}
