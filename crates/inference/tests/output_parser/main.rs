//! The output parser against the vectors in `fixtures/glm-parsing` and under properties (`glm-models.md` §7).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod answer;
mod properties;
mod vectors;
