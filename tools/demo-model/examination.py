"""A quick look at how well a network writes held-back dialogues, without an engine.

An answer counts as right if at every place the likeliest token is the wanted one: then greedy decoding would write
exactly this answer. The real evaluation is `evaluate.py`.
"""

from __future__ import annotations

import random

import torch
from tokenizers import Tokenizer

from batches import LENGTH_MAX, collate, encode
from dialogues.mixture import draw_dialogue

SEED = 20_000_003
AT_ONCE = 16


class Examination:
    """The same dialogues each time."""

    def __init__(self, tokenizer: Tokenizer, count: int):
        rng = random.Random(SEED)
        self.papers = []
        for _ in range(count):
            dialogue = draw_dialogue(rng, held_back=True)
            tokens, answers = encode(tokenizer, dialogue)
            if len(tokens) <= LENGTH_MAX:
                self.papers.append((tokens, answers, dialogue.categories))
        self.papers.sort(key=lambda paper: len(paper[0]))

    @torch.no_grad()
    def run(self, network, device) -> dict[str, list[int]]:
        """Right and all answers by category, `all` included."""
        marks: dict[str, list[int]] = {"all": [0, 0]}
        for start in range(0, len(self.papers), AT_ONCE):
            group = self.papers[start : start + AT_ONCE]
            batch = collate([(tokens, answers) for tokens, answers, _ in group])
            best = network(batch.tokens.to(device), batch.where.to(device)).argmax(-1).cpu()
            is_right = best == batch.wanted
            width = batch.tokens.shape[1]
            wrong = {((int(at) + 1) // width, (int(at) + 1) % width) for at in batch.where[~is_right]}
            for row, (_, answers, categories) in enumerate(group):
                missed = {answers[column] for at, column in wrong if at == row}
                for answer, category in categories.items():
                    for key in ("all", category):
                        mark = marks.setdefault(key, [0, 0])
                        mark[0] += answer not in missed
                        mark[1] += 1
        return dict(sorted(marks.items()))


def percent(marks: dict[str, list[int]]) -> str:
    return " ".join(f"{name.replace(' ', '-')}:{100 * right // total}" for name, (right, total) in marks.items())
