//! Who goes next. Pure decisions, so that they can be tested without a model.

use std::collections::VecDeque;

/// What a slot wants from the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Nothing: it is empty, or its reader is slow.
    Nothing,
    /// One token of its answer.
    Token,
    /// To read this many tokens of its prompt.
    Prompt(usize),
}

/// What one slot does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub slot: usize,
    pub tokens: usize,
}

/// How large a step may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepLimits {
    /// Tokens of a step, of all kinds.
    pub batch: usize,
    /// Prompt tokens of a step in which somebody gets a token of an answer.
    pub prompt_while_answering: usize,
}

/// Shares steps out among slots and remembers whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    next: usize,
}

impl Rotation {
    /// Every answering slot gets its token; what is left is divided among the prompts in equal parts, starting
    /// with another one each time.
    pub fn share(&mut self, wants: &[Want], limits: StepLimits) -> Vec<Share> {
        let mut shares: Vec<Share> = Vec::with_capacity(wants.len());
        for (slot, want) in wants.iter().enumerate() {
            if *want == Want::Token && shares.len() < limits.batch {
                shares.push(Share { slot, tokens: 1 });
            }
        }

        let mut room = limits.batch - shares.len();
        if !shares.is_empty() {
            room = room.min(limits.prompt_while_answering);
        }
        let start = self.next;
        let in_turn = (0..wants.len()).map(|i| (start + i) % wants.len());
        let prompts: Vec<(usize, usize)> = in_turn
            .filter_map(|slot| match wants[slot] {
                Want::Prompt(left) if left > 0 => Some((slot, left)),
                _ => None,
            })
            .collect();
        for (done, (slot, left)) in prompts.iter().enumerate() {
            let others = prompts.len() - done;
            let tokens = room.div_ceil(others).min(*left);
            if tokens > 0 {
                shares.push(Share { slot: *slot, tokens });
                room -= tokens;
            }
        }
        if let Some((first, _)) = prompts.first() {
            self.next = (first + 1) % wants.len();
        }
        shares
    }
}

/// A waiting line with a row for each account: rows take turns, so that one with many requests does not make
/// the others wait for all of them.
#[derive(Debug)]
pub(crate) struct FairQueue<K, T> {
    rows: VecDeque<(K, VecDeque<T>)>,
}

impl<K: PartialEq, T> FairQueue<K, T> {
    pub fn new() -> Self {
        Self { rows: VecDeque::new() }
    }

    pub fn push(&mut self, key: K, item: T) {
        match self.rows.iter_mut().find(|(row, _)| *row == key) {
            Some((_, items)) => items.push_back(item),
            None => self.rows.push_back((key, VecDeque::from([item]))),
        }
    }

    /// Puts an item back that had its turn and has to wait again; it goes before everybody.
    pub fn push_first(&mut self, key: K, item: T) {
        match self.rows.iter().position(|(row, _)| *row == key) {
            Some(at) => {
                if let Some((key, mut items)) = self.rows.remove(at) {
                    items.push_front(item);
                    self.rows.push_front((key, items));
                }
            }
            None => self.rows.push_front((key, VecDeque::from([item]))),
        }
    }

    /// The first of the row whose turn it is; that row then goes to the end.
    pub fn pop(&mut self) -> Option<T> {
        let (key, mut items) = self.rows.pop_front()?;
        let item = items.pop_front();
        if !items.is_empty() {
            self.rows.push_back((key, items));
        }
        item
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for (_, items) in &mut self.rows {
            items.retain(&mut keep);
        }
        self.rows.retain(|(_, items)| !items.is_empty());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: StepLimits = StepLimits { batch: 64, prompt_while_answering: 16 };

    /// A prompt of any length leaves room for everyone else's token, and takes small bites while they answer.
    #[test]
    fn a_long_prompt_does_not_take_others_tokens() {
        let mut rotation = Rotation::default();
        let shares =
            rotation.share(&[Want::Prompt(200_000), Want::Token, Want::Nothing, Want::Token], LIMITS);
        assert_eq!(
            shares,
            [Share { slot: 1, tokens: 1 }, Share { slot: 3, tokens: 1 }, Share { slot: 0, tokens: 16 }]
        );
    }

    #[test]
    fn a_prompt_alone_uses_the_whole_step() {
        let mut rotation = Rotation::default();
        assert_eq!(rotation.share(&[Want::Prompt(500)], LIMITS), [Share { slot: 0, tokens: 64 }]);
    }

    /// What a short prompt does not need goes to the longer ones.
    #[test]
    fn prompts_share_a_step_fairly() {
        let mut rotation = Rotation::default();
        let shares = rotation.share(&[Want::Prompt(4), Want::Prompt(1_000), Want::Prompt(1_000)], LIMITS);
        assert_eq!(shares.iter().map(|s| s.tokens).collect::<Vec<_>>(), [4, 30, 30]);
    }

    proptest! {
        /// Whatever the wants: no step is too large, no slot appears twice, no slot that could be served in
        /// turn is passed over for as many steps as there are slots.
        #[test]
        fn steps_are_bounded_and_nobody_starves(
            wants in prop::collection::vec(prop_oneof![
                Just(Want::Nothing), Just(Want::Token), (1usize..500).prop_map(Want::Prompt)
            ], 1..12),
            batch in 12usize..100,
            while_answering in 1usize..50,
        ) {
            let limits = StepLimits { batch, prompt_while_answering: while_answering };
            let mut rotation = Rotation::default();
            let mut served = vec![false; wants.len()];
            for _ in 0..wants.len() {
                let shares = rotation.share(&wants, limits);
                prop_assert!(shares.iter().map(|s| s.tokens).sum::<usize>() <= batch);
                let mut slots: Vec<_> = shares.iter().map(|s| s.slot).collect();
                slots.sort_unstable();
                slots.dedup();
                prop_assert_eq!(slots.len(), shares.len());
                for (slot, want) in wants.iter().enumerate() {
                    let share = shares.iter().find(|s| s.slot == slot);
                    if *want == Want::Token {
                        prop_assert_eq!(share.map(|s| s.tokens), Some(1));
                    }
                    served[slot] |= share.is_some();
                }
            }
            for (slot, want) in wants.iter().enumerate() {
                prop_assert_eq!(served[slot], *want != Want::Nothing);
            }
        }
    }

    /// An account with a hundred requests does not make another's single one wait behind them.
    #[test]
    fn accounts_take_turns() {
        let mut queue = FairQueue::new();
        for n in 0..100 {
            queue.push("busy", n);
        }
        queue.push("quiet", 1_000);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(0), Some(1_000), Some(1)]);

        queue.push_first("quiet", 2_000);
        assert_eq!(queue.pop(), Some(2_000));
        queue.retain(|n| *n >= 99);
        assert_eq!(queue.pop(), Some(99));
        assert!(queue.is_empty());
    }
}
