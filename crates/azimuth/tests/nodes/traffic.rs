use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use vocab::Secret;

use crate::client::{Answered, Client, GENERAL};
use crate::node::Node;

/// A steady trickle, so that the machine is not what is measured.
#[derive(Default)]
pub struct Traffic {
    is_over: AtomicBool,
}

impl Traffic {
    const CLIENTS: usize = 6;
    const PAUSE: Duration = Duration::from_millis(60);

    /// Clients of all nodes in turn, who pay from their balance. Returns what they got when the traffic has ended.
    pub async fn run(&self, nodes: &[Node], key: &Secret) -> Vec<Answered> {
        let client = Client::new();
        let asking = nodes.iter().cycle().take(Self::CLIENTS).map(async |node| {
            let mut answers = Vec::new();
            while !self.is_over.load(Ordering::Relaxed) {
                answers.push(client.ask(node, GENERAL, key).await);
                tokio::time::sleep(Self::PAUSE).await;
            }
            answers
        });
        join_all(asking).await.concat()
    }

    /// Nobody asks again.
    pub fn ends(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
