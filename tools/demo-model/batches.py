"""Batches of tokens from freshly drawn dialogues. No dialogue is seen twice."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

import numpy as np
import torch
from tokenizers import Tokenizer

from dialogues.exchange import Dialogue
from dialogues.mixture import draw_dialogue
from dialogues.rendering import pieces

# Lengths are rounded up to a multiple of this, so that there are few shapes.
ROUND = 64
DIALOGUES_A_DRAW = 256
LENGTH_MAX = 1024


@dataclasses.dataclass
class Batch:
    """`tokens` are padded at the end. `where` are the flat positions whose next token the model has to write,
    `wanted` those tokens."""

    tokens: torch.Tensor
    where: torch.Tensor
    wanted: torch.Tensor


def encode(tokenizer: Tokenizer, dialogue: Dialogue) -> tuple[list[int], list[int]]:
    """The tokens of a dialogue, and for each the message that the model writes with it, or -1."""
    tokens, answers = [], []
    for text, answer in pieces(dialogue):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        tokens += ids
        answers += [-1 if answer is None else answer] * len(ids)
    return tokens, answers


def stream(tokenizer: Tokenizer, seed: int, draw: int, size: int, practice) -> Iterator[tuple[int, Batch]]:
    """Endless batches of about `size` tokens, each with the number of the draw it is from.

    Dialogues come in draws of similar length. Every draw has its own seed, so a stopped training goes on at the
    next draw as if it had never stopped. `practice()` says how much of the copying practice is over.
    """
    while True:
        rng = random.Random(f"{seed}/{draw}")
        encoded = [encode(tokenizer, draw_dialogue(rng, practice())) for _ in range(DIALOGUES_A_DRAW)]
        encoded = sorted((each for each in encoded if len(each[0]) <= LENGTH_MAX), key=lambda each: len(each[0]))
        groups, group = [], []
        for each in encoded:
            if group and rounded(len(each[0])) * (len(group) + 1) > size:
                groups.append(group)
                group = []
            group.append(each)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            yield draw, collate(group)
        draw += 1


def rounded(length: int) -> int:
    return -(-length // ROUND) * ROUND


def collate(group: list[tuple[list[int], list[int]]]) -> Batch:
    length = rounded(max(len(tokens) for tokens, _ in group))
    padded = np.zeros((len(group), length), np.int64)
    written = np.zeros((len(group), length), bool)
    for row, (tokens, answers) in enumerate(group):
        padded[row, : len(tokens)] = tokens
        written[row, : len(tokens)] = np.array(answers) >= 0
    # What is written at a position is predicted at the one before.
    where = np.flatnonzero(np.roll(written, -1, axis=1).ravel())
    wanted = padded.ravel()[where + 1]
    return Batch(torch.from_numpy(padded), torch.from_numpy(where), torch.from_numpy(wanted))
