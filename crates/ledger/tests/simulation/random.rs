//! Chance that can be had again: everything a run does follows from its seed.

use vocab::{GrantId, HoldId, NodeId, RequestId};

/// SplitMix64.
pub struct Random {
    state: u64,
    ids: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Self { state: seed, ids: 0 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let choices = u64::try_from(most - least).unwrap() + 1;
        least + i64::try_from(self.next() % choices).unwrap()
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.between(0, i64::try_from(end).unwrap() - 1)).unwrap()
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: i64) -> bool {
        self.between(0, 999) < per_mille
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub fn hold_id(&mut self) -> HoldId {
        format!("hold_{:032x}", self.id()).parse().unwrap()
    }

    pub fn grant_id(&mut self) -> GrantId {
        format!("grant_{:032x}", self.id()).parse().unwrap()
    }

    pub fn node_id(&mut self) -> NodeId {
        format!("node_{:032x}", self.id()).parse().unwrap()
    }

    pub fn request_id(&mut self) -> RequestId {
        RequestId::parse(&format!("20260209175906{:016x}", self.id())).unwrap()
    }

    pub fn reference(&mut self) -> String {
        format!("receipt {}", self.id())
    }
}
