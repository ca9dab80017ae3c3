"""The demo model's tokenizer: GLM-4's splitting rule, with merges chosen so that a value looks the same everywhere.

An ordinary byte-level BPE writes " Paris" in a question with other tokens than "Paris" in a tool call, and a small
model would have to learn that for every word. Here a space is a token of its own, except before the few hundred words
of which the fixed texts are made; nothing merges across letters and punctuation; Chinese characters merge with nothing;
and every number up to 999 is one token.
"""

from __future__ import annotations

import collections
import json
import pathlib
import sys
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tiny-models"))

from glm_layout import ADDED_TOKENS, SPLIT  # noqa: E402

SPACE = "Ġ"  # how byte-level BPE writes a space
# What may become one token: a Chinese character, other letters, a digit, punctuation, white space.
UNITS = r"\p{Han}|[\p{L}&&[^\p{Han}]]+|\p{N}|[^\s\p{L}\p{N}]+[\r\n]*|\s+"


def train(texts: Iterable[str], size: int, spaced: int, values: set[str]) -> Tokenizer:
    """A tokenizer of `size` tokens from `texts`, which must be free of added tokens.

    `spaced` words or signs get a token together with the space before them; words in `values` never do.
    """
    texts = list(texts)
    numbers = _number_merges()
    number_tokens = {"".join(pair) for pair in numbers}
    vocabulary, merges = _learn_units(texts, size - len(ADDED_TOKENS) - len(number_tokens) - spaced)
    for pair in numbers:
        merges.append(pair)
        vocabulary.setdefault("".join(pair), len(vocabulary))
    for word in _frequent_after_space(texts, vocabulary, spaced, values):
        merges.append((SPACE, word))
        vocabulary[SPACE + word] = len(vocabulary)

    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=False))
    tokenizer.pre_tokenizer = _split(SPLIT)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(text, special=special, normalized=False) for text, special in ADDED_TOKENS])
    return tokenizer


def _split(pattern: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
        ]
    )


def _learn_units(texts: list[str], size: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The usual training, within units only."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = _split(UNITS)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        show_progress=False,
        special_tokens=[],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
    )
    learner.train_from_iterator(texts, trainer)
    learned = json.loads(learner.to_str())["model"]
    merges = [tuple(merge) if not isinstance(merge, str) else tuple(merge.split(" ")) for merge in learned["merges"]]
    return dict(learned["vocab"]), merges


def _number_merges() -> list[tuple[str, str]]:
    """Merges that make one token of up to three digits, whichever pair of them is merged first."""
    digits = "0123456789"
    pairs = [(a, b) for a in digits for b in digits]
    triples = [(a + b, c) for a in digits for b in digits for c in digits]
    return pairs + triples + [(ab[0], ab[1] + c) for ab, c in triples]


def _frequent_after_space(texts: list[str], vocabulary: dict, count: int, values: set[str]) -> list[str]:
    """The tokens that most often follow a space and are no values."""
    units = _split(UNITS)
    counts = collections.Counter()
    for text in texts:
        before = ""
        for unit, _ in units.pre_tokenize_str(text):
            if before.endswith(SPACE) and unit in vocabulary and not unit[0].isdigit():
                counts[unit] += 1
            before = unit

    def is_wanted(unit: str) -> bool:
        # A single letter would also take the beginning of words that the merges do not know.
        is_letter = len(unit) == 1 and unit.isalpha() and unit not in ("a", "I")
        return unit not in values and not is_letter and not unit.startswith(("Ċ", SPACE, "č"))

    return [unit for unit, _ in counts.most_common() if is_wanted(unit)][:count]
