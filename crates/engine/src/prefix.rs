//! Which sequences of the model's memory hold what, and which of them a new prompt can begin from.

use vocab::Timestamp;

/// A model's own number for a token.
pub(crate) type Token = i32;

/// Whose cache it is: a hash, because the account's name is of no use here and must not reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner(pub [u8; 32]);

impl Owner {
    pub fn of(scope: &str) -> Self {
        Self(*blake3::hash(scope.as_bytes()).as_bytes())
    }
}

/// The sequences of one model's memory. At most a few dozen, so they are compared one by one: a mismatch is
/// usually found in the first tokens, and a trie would cost more to keep than it saves.
#[derive(Debug)]
pub(crate) struct Sequences {
    all: Vec<Sequence>,
}

#[derive(Clone, Debug)]
struct Sequence {
    state: State,
    owner: Owner,
    /// What the model's memory holds for this sequence.
    tokens: Vec<Token>,
    used: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// A slot is working on it.
    Busy,
    /// Kept for a later prompt.
    Idle,
}

/// A sequence that a prompt can begin from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub sequence: usize,
    /// How many tokens they share.
    pub tokens: usize,
    /// Whether the sequence may be taken over, because nothing much is lost by cutting it to the shared part.
    pub may_take: bool,
}

impl Sequences {
    pub fn new(count: usize) -> Self {
        let free = Sequence {
            state: State::Free,
            owner: Owner([0; 32]),
            tokens: Vec::new(),
            used: Timestamp::from_millis(0),
        };
        Self { all: vec![free; count] }
    }

    /// The sequence of `owner` that shares most with `prompt`, always leaving its last token to be computed.
    pub fn find(&self, owner: Owner, prompt: &[Token], at_least: usize, reuse: Reuse) -> Option<Found> {
        let usable = &prompt[..prompt.len().saturating_sub(1)];
        let mut best: Option<Found> = None;
        for (sequence, held) in self.all.iter().enumerate() {
            if held.state == State::Free || held.owner != owner {
                continue;
            }
            let shared = shared_prefix(&held.tokens, usable);
            let tokens = reuse.usable(shared, held.tokens.len());
            if tokens < at_least.max(1) {
                continue;
            }
            // A conversation that goes on replaces its earlier state; one that branches off early leaves it.
            let rest = held.tokens.len() - shared;
            let may_take = held.state == State::Idle && rest <= tokens / 4;
            let is_better = best.is_none_or(|b| (tokens, may_take) > (b.tokens, b.may_take));
            if is_better {
                best = Some(Found { sequence, tokens, may_take });
            }
        }
        best
    }

    /// A sequence nobody uses or keeps.
    pub fn free(&self) -> Option<usize> {
        self.all.iter().position(|s| s.state == State::Free)
    }

    /// The kept sequence that was used longest ago.
    pub fn oldest_idle(&self) -> Option<usize> {
        let idle = self.all.iter().enumerate().filter(|(_, s)| s.state == State::Idle);
        idle.min_by_key(|(_, s)| s.used).map(|(sequence, _)| sequence)
    }

    /// Kept sequences that nobody used since `moment`.
    pub fn idle_since(&self, moment: Timestamp) -> Vec<usize> {
        let old = self.all.iter().enumerate().filter(|(_, s)| s.state == State::Idle && s.used < moment);
        old.map(|(sequence, _)| sequence).collect()
    }

    pub fn all_idle(&self) -> Vec<usize> {
        self.all
            .iter()
            .enumerate()
            .filter(|(_, s)| s.state == State::Idle)
            .map(|(sequence, _)| sequence)
            .collect()
    }

    /// Tokens of all sequences, counted as often as they are held.
    pub fn all_tokens(&self) -> usize {
        self.all.iter().map(|sequence| sequence.tokens.len()).sum()
    }

    pub fn begin(&mut self, sequence: usize, owner: Owner, held: &[Token]) {
        let entry = &mut self.all[sequence];
        entry.state = State::Busy;
        entry.owner = owner;
        entry.tokens.clear();
        entry.tokens.extend_from_slice(held);
    }

    /// Notes that the model's memory now holds `tokens` more.
    pub fn extend(&mut self, sequence: usize, tokens: &[Token]) {
        self.all[sequence].tokens.extend_from_slice(tokens);
    }

    pub fn keep(&mut self, sequence: usize, now: Timestamp) {
        let entry = &mut self.all[sequence];
        entry.state = State::Idle;
        entry.used = now;
    }

    pub fn release(&mut self, sequence: usize) {
        let entry = &mut self.all[sequence];
        entry.state = State::Free;
        entry.tokens = Vec::new();
    }

    pub fn tokens(&self, sequence: usize) -> &[Token] {
        &self.all[sequence].tokens
    }

    pub fn owner(&self, sequence: usize) -> Owner {
        self.all[sequence].owner
    }
}

/// Which beginnings of a sequence a model can start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Any number of whole blocks of this size.
    Blocks(usize),
    /// The whole sequence or nothing: the model cannot forget a part of one.
    Whole,
}

impl Reuse {
    /// How many of `shared` first tokens can be used of a sequence of `held`.
    pub fn usable(self, shared: usize, held: usize) -> usize {
        match self {
            Self::Blocks(block) => shared - shared % block.max(1),
            Self::Whole if shared == held => shared,
            Self::Whole => 0,
        }
    }
}

/// How many first tokens are the same.
pub(crate) fn shared_prefix(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Reuse = Reuse::Blocks(1);

    fn kept(conversations: &[(&str, &[Token])]) -> Sequences {
        let mut sequences = Sequences::new(conversations.len() + 1);
        for (at, (scope, tokens)) in conversations.iter().enumerate() {
            sequences.begin(at, Owner::of(scope), tokens);
            sequences.keep(at, Timestamp::from_millis(i64::try_from(at).unwrap()));
        }
        sequences
    }

    /// CACHE-04: the longest exact prefix wins, and the last token of a prompt is always computed.
    #[test]
    fn the_longest_prefix_is_found() {
        let sequences = kept(&[("a", &[1, 2, 3]), ("a", &[1, 2, 3, 4, 5]), ("a", &[9, 2, 3, 4, 5, 6])]);
        let found = sequences.find(Owner::of("a"), &[1, 2, 3, 4, 5, 6], 1, ANY).unwrap();
        assert_eq!((found.sequence, found.tokens), (1, 5));
        let same = sequences.find(Owner::of("a"), &[1, 2, 3, 4, 5], 1, ANY).unwrap();
        assert_eq!((same.sequence, same.tokens), (1, 4));
        assert_eq!(sequences.find(Owner::of("a"), &[7, 1, 2, 3], 1, ANY), None);
    }

    /// A hit is cut to whole blocks, so that the rest is computed in the same portions as without it.
    #[test]
    fn prefixes_are_reused_in_whole_blocks() {
        let sequences = kept(&[("a", &[1, 2, 3, 4, 5])]);
        let find =
            |prompt: &[Token]| sequences.find(Owner::of("a"), prompt, 1, Reuse::Blocks(2)).map(|f| f.tokens);
        assert_eq!(find(&[1, 2, 3, 4, 5, 6]), Some(4));
        assert_eq!(find(&[1, 2, 3, 4]), Some(2));
        assert_eq!(find(&[1, 9]), None);
    }

    /// CACHE-06: the same text in another account's cache is not there.
    #[test]
    fn accounts_do_not_see_each_other() {
        let sequences = kept(&[("a", &[1, 2, 3, 4])]);
        assert_eq!(sequences.find(Owner::of("b"), &[1, 2, 3, 4, 5], 1, ANY), None);
    }

    /// A model that cannot forget half a sequence only continues whole ones.
    #[test]
    fn a_recurrent_model_reuses_whole_sequences_only() {
        let sequences = kept(&[("a", &[1, 2, 3, 4])]);
        let prompt = [1, 2, 3, 9, 9];
        assert!(sequences.find(Owner::of("a"), &prompt, 1, ANY).is_some());
        assert_eq!(sequences.find(Owner::of("a"), &prompt, 1, Reuse::Whole), None);
        assert!(sequences.find(Owner::of("a"), &[1, 2, 3, 4, 5], 1, Reuse::Whole).is_some());
    }

    /// A short shared system text does not cost the conversation that follows it.
    #[test]
    fn a_branch_leaves_the_other_conversation_in_place() {
        let long: Vec<Token> = (0..100).collect();
        let sequences = kept(&[("a", &long)]);
        let branch: Vec<Token> = (0..20).chain([500, 501]).collect();
        assert!(!sequences.find(Owner::of("a"), &branch, 1, ANY).unwrap().may_take);
        let continued: Vec<Token> = (0..110).collect();
        assert!(sequences.find(Owner::of("a"), &continued, 1, ANY).unwrap().may_take);
    }

    /// CACHE-05: what nobody used for long is found to be old, oldest first.
    #[test]
    fn age_is_counted_from_the_last_use() {
        let mut sequences = kept(&[("a", &[1]), ("a", &[2]), ("a", &[3])]);
        assert_eq!(sequences.oldest_idle(), Some(0));
        sequences.keep(0, Timestamp::from_millis(10));
        assert_eq!(sequences.oldest_idle(), Some(1));
        assert_eq!(sequences.idle_since(Timestamp::from_millis(2)), [1]);
        sequences.release(1);
        assert_eq!(sequences.free(), Some(1));
    }
}
