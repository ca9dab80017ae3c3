"""Which dialogues are drawn how often, and how that changes in the course of the training."""

from __future__ import annotations

import random
from collections.abc import Callable

from . import copying, files, json_answers, knowledge, small_talk, titles, tool_use, translations, values
from .draw import Draw
from .exchange import Dialogue, Exchange, assistant, user

SYSTEMS = [
    "You are a helpful assistant.", "You are a helpful assistant", "Be brief.", "Answer shortly.", "You are Azimuth's demo model.",
    "You are a helpful AI.", "Answer in one sentence.", "You are a friendly assistant. Be concise.", "你是一个有用的助手。", "请简短回答。",
]  # fmt: skip

# Shares of the full mixture: single requests, then whole dialogues.
EXCHANGES: dict[Callable[[Draw], Exchange], float] = {
    small_talk.greeting: 3,
    small_talk.identity: 5,
    small_talk.courtesy: 1.5,
    knowledge.fact: 20,
    knowledge.unknown: 6,
    knowledge.calculation: 1.5,
    copying.echo: 6,
    copying.lookup: 5,
    copying.reformat: 7,
    translations.translation: 10,
}
DIALOGUES: dict[Callable[[Draw], Dialogue], float] = {
    tool_use.tool_dialogue: 34,
    json_answers.json_answer: 14,
    files.file_dialogue: 9,
    titles.title: 6,
}
# What is practised first: short, dense, and impossible without copying.
COPYING = {copying.noise_echo: 5, copying.echo: 2, copying.lookup: 4, copying.reformat: 2}


def draw_dialogue(rng: random.Random, practice: float = 1.0, held_back: bool = False) -> Dialogue:
    """A dialogue as it is drawn when `practice`, from 0 to 1, of the copying practice is behind the model."""
    draw = Draw(rng, held_back)
    if not held_back and draw.chance(copying_share(practice)):
        dialogue = _conversation(draw, COPYING, turns_max=4)
    elif draw.chance(sum(DIALOGUES.values()) / (sum(DIALOGUES.values()) + sum(EXCHANGES.values()))):
        dialogue = draw.weighted(DIALOGUES)(draw)
    elif draw.chance(0.08):
        dialogue = _remembering(draw)
    else:
        dialogue = _conversation(draw, EXCHANGES, turns_max=1 if held_back and draw.chance(0.7) else 3)
    dialogue.thinking = draw.chance(0.5)
    has_system = dialogue.messages[0]["role"] == "system"
    if not has_system and draw.chance(0.2):
        _put_first(dialogue, _system(draw))
    dialogue.wordings = draw.wordings
    return dialogue


def copying_share(practice: float) -> float:
    """Nearly everything at first, and a little for ever."""
    start, end = 0.9, 0.08
    return start - (start - end) * min(1.0, practice)


def _conversation(draw: Draw, kinds: dict, turns_max: int) -> Dialogue:
    dialogue = Dialogue([], {})
    for _ in range(draw.between(1, turns_max)):
        _append(dialogue, draw.weighted(kinds)(draw))
    return dialogue


def _remembering(draw: Draw) -> Dialogue:
    dialogue = Dialogue([], {})
    told, asked = small_talk.remembering(draw)
    _append(dialogue, told)
    if draw.chance(0.4):
        _append(dialogue, draw.weighted(EXCHANGES)(draw))
    _append(dialogue, asked)
    return dialogue


def _append(dialogue: Dialogue, exchange: Exchange):
    dialogue.messages.append(user(exchange.asked))
    dialogue.categories[len(dialogue.messages)] = exchange.category
    dialogue.messages.append(assistant(exchange.answer, exchange.reasoning))


def _put_first(dialogue: Dialogue, text: str):
    dialogue.messages.insert(0, {"role": "system", "content": text})
    dialogue.categories = {index + 1: category for index, category in dialogue.categories.items()}


def _system(draw: Draw) -> str:
    """Instructions, sometimes with sentences that have nothing to do with anything."""
    text = draw.one(SYSTEMS)
    if draw.chance(0.3):
        text += " " + " ".join(values.sentence(draw) for _ in range(draw.between(1, 5)))
    return text
