use crate::Effort;

/// All degrees, least first.
pub(super) const SCALE: [Effort; 7] =
    [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];

/// The word for the degree among `known` that comes nearest to `asked`: the same one, else the next higher,
/// else the highest. `None` if the model knows no degrees.
///
/// GLM-5.2 takes every word it does not know for `max`, so `medium` has to become `high` before it gets there.
pub(super) fn nearest(asked: Effort, known: &[Effort]) -> Option<&'static str> {
    let higher = SCALE.iter().skip_while(|degree| **degree != asked);
    higher.into_iter().find(|degree| known.contains(degree)).or(known.last()).map(|degree| degree.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_degree_becomes_the_next_higher_one() {
        let release_5_2 = [Effort::High, Effort::Max];
        let release_5_3 = [Effort::Low, Effort::High, Effort::Max];
        assert_eq!(nearest(Effort::Medium, &release_5_2), Some("high"));
        assert_eq!(nearest(Effort::Low, &release_5_2), Some("high"));
        assert_eq!(nearest(Effort::Minimal, &release_5_3), Some("low"));
        assert_eq!(nearest(Effort::Xhigh, &release_5_3), Some("max"));
        assert_eq!(nearest(Effort::Max, &[Effort::Low]), Some("low"));
        assert_eq!(nearest(Effort::High, &[]), None);
    }
}
