"""One source of randomness for a dialogue, and banks of wordings of which some are held back."""

from __future__ import annotations

import dataclasses
import pathlib
import random
import re
import tomllib
from collections.abc import Callable, Sequence

WORDINGS = pathlib.Path(__file__).with_name("wordings")


@dataclasses.dataclass(frozen=True)
class Bank:
    """Ways to say one thing. `held` are for the evaluation only."""

    name: str
    train: Sequence[str]
    held: Sequence[str]
    held_plain: frozenset[str] = dataclasses.field(init=False, default=frozenset())

    def __post_init__(self):
        if set(self.train) & set(self.held):
            raise ValueError(f"a wording of {self.name} is both trained and held back")
        if not self.train or not self.held:
            raise ValueError(f"{self.name} needs wordings of both kinds")
        object.__setattr__(self, "held_plain", frozenset(map(plain, self.held)))


def banks(subject: str) -> dict[str, Bank]:
    """The banks of one subject, by name."""
    entries = tomllib.loads((WORDINGS / f"{subject}.toml").read_text())
    return {name: Bank(f"{subject}: {name}", entry["asked"], entry["held_back"]) for name, entry in entries.items()}


class Draw:
    """Draws everything one dialogue needs, and remembers which wordings it used."""

    def __init__(self, rng: random.Random, held_back: bool = False):
        self.rng = rng
        self.held_back = held_back
        self.wordings: list[str] = []

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def one(self, items: Sequence):
        return items[self.rng.randrange(len(items))]

    def some(self, items: Sequence, least: int, most: int) -> list:
        """Between `least` and `most` different items, in random order."""
        return self.rng.sample(list(items), min(len(items), self.rng.randint(least, most)))

    def different(self, make: Callable[[Draw], object], count: int) -> list[str]:
        """`count` values that `make` draws, as text, none of them twice."""
        drawn: dict[str, None] = {}
        while len(drawn) < count:
            drawn[str(make(self))] = None
        return list(drawn)

    def between(self, least: int, most: int) -> int:
        return self.rng.randint(least, most)

    def weighted(self, choices: dict):
        return self.rng.choices(list(choices), weights=list(choices.values()))[0]

    def say(self, bank: Bank, vary: Callable[[Draw, str], str] | None = None, **slots) -> str:
        """A wording of the bank, from its held-back ones in an evaluation, with its slots filled.

        `vary` may change how it is typed, before the values are put in.
        """
        wording = self.one(bank.held if self.held_back else bank.train)
        varied = vary(self, wording) if vary else wording
        # A trained wording must not become a held-back one on the way.
        if self.held_back or plain(varied) not in bank.held_plain:
            wording = varied
        self.wordings.append(plain(wording))
        return fill(wording, slots)


def plain(wording: str) -> str:
    """A wording without the differences that do not make another one: case, end marks, spaces."""
    return " ".join(re.sub(r"[^\w{}]+", " ", wording.lower()).split())


def fill(wording: str, slots: dict) -> str:
    """Puts values for `{name}` in a wording; other braces stay."""
    for name, value in slots.items():
        wording = wording.replace("{" + name + "}", str(value))
    return wording
