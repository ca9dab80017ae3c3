//! Log probabilities of tokens, from the model's raw scores.

use inference::{TokenLogprob, TopLogprob};

/// Natural logarithms of the probabilities of `chosen` and of the `top` likeliest tokens.
///
/// Taken from the scores as the model gave them: before temperature, penalties and grammars.
pub(crate) fn logprobs(
    logits: &[f32],
    chosen: usize,
    top: usize,
    bytes_of: impl Fn(usize) -> Vec<u8>,
) -> TokenLogprob {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|l| f64::from(l - highest).exp()).sum();
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a sum is a small number")]
    let log_sum = sum.ln() as f32 + highest;

    let mut best: Vec<usize> = Vec::with_capacity(top + 1);
    for (token, logit) in logits.iter().enumerate() {
        if best.len() == top && best.last().is_none_or(|worst| logits[*worst] >= *logit) {
            continue;
        }
        let place = best.partition_point(|other| logits[*other] >= *logit);
        best.insert(place, token);
        best.truncate(top);
    }

    let of = |token: usize| {
        let bytes = bytes_of(token);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (text, bytes, logits.get(token).map_or(f32::NEG_INFINITY, |l| l - log_sum))
    };
    let (token, bytes, logprob) = of(chosen);
    let top = best
        .into_iter()
        .map(of)
        .map(|(token, bytes, logprob)| TopLogprob { token, bytes, logprob })
        .collect();
    TokenLogprob { token, bytes, logprob, top }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_and_the_best_come_first() {
        let logits = [1.0, 3.0, 2.0, -50.0];
        let found = logprobs(&logits, 2, 3, |token| vec![b'a' + u8::try_from(token).unwrap()]);
        assert_eq!(found.token, "c");
        let order: Vec<_> = found.top.iter().map(|t| t.token.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
        assert!((found.top[1].logprob - found.logprob).abs() < 1e-6);
        let total: f32 = found.top.iter().map(|t| t.logprob.exp()).sum();
        assert!((total - 1.0).abs() < 1e-5);
        assert!(logprobs(&logits, 0, 0, |_| Vec::new()).top.is_empty());
    }
}
