#!/usr/bin/env python3
"""Makes the tokenizer from dialogues.

    train_tokenizer.py OUT/tokenizer.json [--dialogues 40000] [--seed 1]

The same seed gives the same file.
"""

import argparse
import pathlib
import random

from dialogues import lexicon
from dialogues.mixture import draw_dialogue
from dialogues.rendering import pieces
from vocabulary import ADDED_TOKENS, train

SIZE = 5120
SPACED = 600


def corpus(count: int, seed: int):
    """Texts of training dialogues without the added tokens."""
    rng = random.Random(seed)
    for _ in range(count):
        for text, _ in pieces(draw_dialogue(rng)):
            for marker, _ in ADDED_TOKENS:
                text = text.replace(marker, "\n")
            yield text


def value_words() -> set[str]:
    lists = [
        lexicon.NOUNS,
        lexicon.ADJECTIVES,
        lexicon.VERBS,
        lexicon.FIRST_NAMES,
        lexicon.FAMILY_NAMES,
        lexicon.CITIES,
    ]
    return {word for words in lists for entry in words for word in entry.split()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--dialogues", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    tokenizer = train(corpus(arguments.dialogues, arguments.seed), SIZE, SPACED, value_words())
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(arguments.out))
    print(tokenizer.get_vocab_size(with_added_tokens=True), "tokens")


if __name__ == "__main__":
    main()
