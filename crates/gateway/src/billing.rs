//! The billing rule: who pays how much for each way a request can end.

use ledger::Extras;
use vocab::{Tokens, Usage};

use crate::Ending;

/// How a request came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was not admitted, or its own mistake came to light before there was any output, such as a prompt
    /// that is too long (rule ERR-07).
    Refused,
    /// It was admitted and ended so.
    Admitted {
        /// In which way.
        ending: Ending,
        /// Whether a piece of output was sent before.
        had_output: bool,
    },
}

/// What a request that ended is charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    /// What the balance pays for, at the general door.
    pub charged: Share,
    /// Whether it counts as a call of the plan, at the plan's doors. If not, what was reserved is given back.
    pub counts: bool,
}

/// Which part of what was used is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Prompt, output, and whatever else was used.
    Everything,
    /// The output only.
    Output,
    /// Nothing.
    Nothing,
}

impl Bill {
    const PAID: Self = Self { charged: Share::Everything, counts: true };
    const OUTPUT_ONLY: Self = Self { charged: Share::Output, counts: true };
    const FREE: Self = Self { charged: Share::Nothing, counts: false };

    /// The rule, by who ended the request and whether any output had been sent.
    ///
    /// | ending | output | balance pays | plan | because |
    /// | --- | --- | --- | --- | --- |
    /// | refused | – | nothing | given back | refused calls cost nothing (BILL-23, ERR-07, QUOTA-11) |
    /// | finished, cut | any | everything | counts | it was answered; `max_tokens` is the caller's own limit |
    /// | caller left | sent | everything | counts | what was read and generated until then was asked for |
    /// | caller left early | none | everything reported | counts if reported | see below |
    /// | engine refused | – | nothing | given back | backend error before the first byte (QUOTA-11) |
    /// | engine failed, filtered | none | nothing | given back | our failure, or a block (BILL-23) |
    /// | engine failed, filtered | sent | the output | counts | a broken stream costs what was generated (BILL-23) |
    /// | empty | – | nothing | given back | nothing came of it, and not by the caller's choice |
    ///
    /// *A caller who leaves before the first piece* pays for the prompt if the engine has reported that it
    /// read it: leaving is the caller's choice, and prompts that are read and abandoned would otherwise be
    /// free. Where the engine has reported nothing, nothing is known to have been done, and nothing is
    /// charged or counted; cancelling stops the engine within a step, so that little was.
    ///
    /// *A stream that we broke* costs its output and not its prompt: whoever asks again pays for the prompt
    /// then, and should not pay twice for our failure.
    ///
    /// Both payers follow one table so that a call never costs money at one door and nothing at the other by
    /// accident.
    pub fn of(end: End, reported: &Usage) -> Self {
        let End::Admitted { ending, had_output } = end else { return Self::FREE };
        match (ending, had_output) {
            (Ending::Finished | Ending::Cut, _) | (Ending::CallerLeft, true) => Self::PAID,
            (Ending::CallerLeft, false) | (Ending::CallerLeftEarly, _) if reported.total() > Tokens::ZERO => {
                Self::PAID
            }
            (Ending::CallerLeft, false) | (Ending::CallerLeftEarly, _) => Self::FREE,
            (Ending::EngineFailed | Ending::Filtered, true) => Self::OUTPUT_ONLY,
            (Ending::EngineFailed | Ending::Filtered, false) => Self::FREE,
            (Ending::EngineRefused | Ending::Empty, _) => Self::FREE,
        }
    }

    /// The rule for work that is done or not, with nothing between: a tool's call, a picture, a task.
    ///
    /// What was done is paid and counts, also when nobody waited for it: the work was asked for, and cannot
    /// be half done. What was refused is free. What failed on our side is free and does not count (rules
    /// MCPQ-07, BILL-23), unless the operator charges for failed tasks; an MCP call never does, as nobody can
    /// buy another.
    pub fn of_work(outcome: WorkOutcome, charge_failed_tasks: bool) -> Self {
        match outcome {
            WorkOutcome::Done => Self::PAID,
            WorkOutcome::TaskFailed if charge_failed_tasks => Self::PAID,
            WorkOutcome::Refused | WorkOutcome::CallFailed | WorkOutcome::TaskFailed => Self::FREE,
        }
    }
}

/// How work ended that has no halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkOutcome {
    /// There is a result.
    Done,
    /// The caller's request could not be carried out as it was.
    Refused,
    /// A call of a tool failed on our side.
    CallFailed,
    /// A task ended `FAIL`.
    TaskFailed,
}

impl Share {
    /// This part of `usage`.
    pub fn of_usage(self, usage: &Usage) -> Usage {
        match self {
            Self::Everything => *usage,
            Self::Output => Usage { fresh_prompt: Tokens::ZERO, cached_prompt: Tokens::ZERO, ..*usage },
            Self::Nothing => Usage::default(),
        }
    }

    /// This part of what was used beside tokens, such as searches within a chat. They feed the prompt, and
    /// are paid like it.
    pub fn of_extras(self, extras: &Extras) -> Extras {
        match self {
            Self::Everything => *extras,
            Self::Output | Self::Nothing => Extras::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Usage = Usage {
        fresh_prompt: Tokens(40),
        cached_prompt: Tokens(60),
        reasoning: Tokens(0),
        answer: Tokens(0),
    };
    const ANSWERED: Usage = Usage { reasoning: Tokens(3), answer: Tokens(4), ..READ };
    const NOTHING: Usage =
        Usage { fresh_prompt: Tokens(0), cached_prompt: Tokens(0), reasoning: Tokens(0), answer: Tokens(0) };

    /// BILL-23, QUOTA-11, ERR-07: every way a request can end, for both payers.
    ///
    /// The columns: the ending, whether output was sent, what the engine reported, what the balance pays for
    /// as prompt and output tokens, and whether the plan counts the call.
    #[test]
    fn every_ending_has_its_price() {
        use Ending as E;
        type Row = (Option<(E, bool)>, Usage, (u64, u64), bool);
        let table: &[Row] = &[
            (None, NOTHING, (0, 0), false),
            (None, READ, (0, 0), false),
            (Some((E::Finished, true)), ANSWERED, (100, 7), true),
            (Some((E::Finished, false)), ANSWERED, (100, 7), true),
            (Some((E::Cut, true)), ANSWERED, (100, 7), true),
            (Some((E::Cut, false)), READ, (100, 0), true),
            (Some((E::CallerLeft, true)), ANSWERED, (100, 7), true),
            (Some((E::CallerLeft, false)), READ, (100, 0), true),
            (Some((E::CallerLeft, false)), NOTHING, (0, 0), false),
            (Some((E::CallerLeftEarly, true)), ANSWERED, (100, 7), true),
            (Some((E::CallerLeftEarly, false)), READ, (100, 0), true),
            (Some((E::CallerLeftEarly, false)), NOTHING, (0, 0), false),
            (Some((E::EngineRefused, true)), ANSWERED, (0, 0), false),
            (Some((E::EngineRefused, false)), NOTHING, (0, 0), false),
            (Some((E::EngineFailed, true)), ANSWERED, (0, 7), true),
            (Some((E::EngineFailed, false)), READ, (0, 0), false),
            (Some((E::Empty, true)), ANSWERED, (0, 0), false),
            (Some((E::Empty, false)), READ, (0, 0), false),
            (Some((E::Filtered, true)), ANSWERED, (0, 7), true),
            (Some((E::Filtered, false)), READ, (0, 0), false),
        ];
        for (ending, reported, (prompt, output), counts) in table {
            let end = match *ending {
                Some((ending, had_output)) => End::Admitted { ending, had_output },
                None => End::Refused,
            };
            let bill = Bill::of(end, reported);
            let charged = bill.charged.of_usage(reported);
            let tokens = (charged.prompt().0, charged.completion().0);
            assert_eq!((tokens, bill.counts), ((*prompt, *output), *counts), "{end:?} after {reported:?}");
        }

        for ending in Ending::ALL {
            for had_output in [true, false] {
                let is_covered = table.iter().any(|row| row.0 == Some((ending, had_output)));
                assert!(is_covered, "{ending:?}, output {had_output}, is not in the table");
            }
        }
    }

    /// BILL-09, BILL-23: a search within a chat is paid when the answer is, and not when we broke it off.
    #[test]
    fn a_search_is_paid_with_the_answer_it_was_made_for() {
        let search = Extras { web_searches: 1, ..Extras::default() };
        assert_eq!(Share::Everything.of_extras(&search), search);
        assert_eq!(Share::Output.of_extras(&search), Extras::default());
        assert_eq!(Share::Nothing.of_extras(&search), Extras::default());
    }

    /// MCPQ-07, BILL-23: failed calls and failed tasks are free; `billing.charge_failed_tasks` changes it for
    /// tasks.
    #[test]
    fn failed_work_is_free_unless_the_operator_charges_for_tasks() {
        for (outcome, by_default, if_charged) in [
            (WorkOutcome::Done, true, true),
            (WorkOutcome::Refused, false, false),
            (WorkOutcome::CallFailed, false, false),
            (WorkOutcome::TaskFailed, false, true),
        ] {
            assert_eq!(Bill::of_work(outcome, false).counts, by_default, "{outcome:?}");
            assert_eq!(Bill::of_work(outcome, true).counts, if_charged, "{outcome:?}");
        }
    }
}
