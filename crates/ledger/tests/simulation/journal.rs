//! What nodes keep on their own disks while the store does not take it.

use std::collections::BTreeMap;
use std::mem;

use ledger::Settlement;
use vocab::RequestId;

use crate::calls::Call;
use crate::world::World;

/// How long a node waits for the store before it sees to its disk.
pub const JOURNAL_AFTER_MS: i64 = 100;

/// Settlements that outlive their node.
#[derive(Default)]
pub struct Disks {
    /// Of nodes that run.
    mounted: BTreeMap<u64, BTreeMap<RequestId, Settlement>>,
    /// Of nodes that are gone. The next that starts takes them over.
    orphaned: BTreeMap<RequestId, Settlement>,
}

impl Disks {
    /// The node is gone, in whatever way.
    pub fn orphan(&mut self, node: u64) {
        self.orphaned.extend(self.mounted.remove(&node).unwrap_or_default());
    }

    pub fn have_orphans(&self) -> bool {
        !self.orphaned.is_empty()
    }
}

impl World {
    /// The store has not answered for a while.
    pub fn late(&mut self, key: u64, call: u64) {
        if self.calls.contains_key(&(key, call))
            && let Some(node) = self.nodes.get_mut(&key)
            && node.group.is_some()
        {
            node.is_behind = true;
            self.journal(key);
        }
    }

    /// Puts on the disk what is not there yet, if the store is late. From then on it counts as acknowledged.
    pub fn journal(&mut self, key: u64) {
        let Some(node) = self.nodes.get(&key).filter(|node| node.is_behind) else { return };
        let disk = self.disks.mounted.entry(key).or_default();
        for ended in node.group.iter().flatten().chain(&node.unsent) {
            let request = &ended.settlement.request;
            if disk.insert(request.clone(), ended.settlement.clone()).is_none() {
                self.acknowledged.push(request.clone());
                self.store.count("journalled");
            }
        }
    }

    /// These are in the store now.
    pub fn unjournal(&mut self, key: u64, written: &[RequestId]) {
        if let Some(disk) = self.disks.mounted.get_mut(&key) {
            written.iter().for_each(|request| drop(disk.remove(request)));
        }
    }

    /// A node that starts hands in what it finds before it lets anything in.
    pub fn inherit(&mut self, key: u64) {
        let found = mem::take(&mut self.disks.orphaned);
        if found.is_empty() {
            return;
        }
        self.store.count("journals handed on");
        if let Some(node) = self.nodes.get_mut(&key) {
            node.inherited = found.values().cloned().collect();
        }
        self.disks.mounted.insert(key, found);
        self.replay(key);
    }

    pub fn replay(&mut self, key: u64) {
        let inherited = self.nodes.get(&key).map(|node| node.inherited.clone()).unwrap_or_default();
        self.send(key, Call::Settle(inherited));
    }
}
