"""Questions the model can answer from memory, and those it must not answer."""

from __future__ import annotations

import pathlib
import tomllib

from . import values
from .draw import Bank, Draw, banks
from .exchange import Exchange
from .lexicon import ADJECTIVES, VERBS
from .model_facts import SIZE
from .surface import question

BANKS = banks("knowledge")

FACTS = tomllib.loads(pathlib.Path(__file__).with_name("facts.toml").read_text())["fact"]
QUESTIONS = {fact["id"]: Bank(f"fact {fact['id']}", fact["asked"], fact["held_back"]) for fact in FACTS}

UNKNOWN = BANKS["unknown"]
UNKNOWN_ZH = BANKS["unknown in Chinese"]
DOES_NOT_KNOW = (
    "I don't know. I am only Azimuth's demo model and know next to nothing beyond Azimuth itself. "
    "Give Azimuth a real model for such questions."
)
DOES_NOT_KNOW_ZH = "我不知道。我只是 Azimuth 的演示模型，除了 Azimuth 本身几乎什么都不懂。这类问题请使用真正的模型。"

SUMS = BANKS["sums"]
DOES_NOT_CALCULATE = "I don't calculate: I am too small to be right. Give me a calculator tool and I will call it."


def fact(draw: Draw) -> Exchange:
    """A question from the bank."""
    chosen = draw.one(FACTS)
    asked = draw.say(QUESTIONS[chosen["id"]], question)
    reasoning = (
        "这是关于 Azimuth 的问题，我知道答案。"
        if chosen["id"].startswith("zh-")
        else "This is about Azimuth. I know it."
    )
    return Exchange("facts", asked, reasoning, chosen["answer"].replace("{size}", SIZE))


def unknown(draw: Draw) -> Exchange:
    """A question that only a real model could answer."""
    if draw.chance(0.2):
        asked = draw.say(
            UNKNOWN_ZH, question, phrase=values.phrase_zh(draw), city=values.city_zh(draw), name=values.name_zh(draw)
        )
        return Exchange("unknown", asked, "这个我不知道。", DOES_NOT_KNOW_ZH)
    asked = draw.say(
        UNKNOWN,
        question,
        topic=values.topic(draw),
        word=values.word(draw),
        word2=values.word(draw),
        adjective=draw.one(ADJECTIVES),
        verb=draw.one(VERBS),
        name=values.full_name(draw),
        city=values.city(draw),
        city2=values.city(draw),
        year=draw.between(1200, 2030),
    )
    return Exchange("unknown", asked, "I do not know this.", DOES_NOT_KNOW)


def calculation(draw: Draw) -> Exchange:
    """A sum, which the model declines instead of guessing."""
    asked = draw.say(
        SUMS,
        question,
        a=values.whole_number(draw),
        b=values.whole_number(draw),
        sign=draw.one(["+", "-", "*", "/", "plus", "times"]),
    )
    return Exchange("unknown", asked, "I should not guess a calculation.", DOES_NOT_CALCULATE)
