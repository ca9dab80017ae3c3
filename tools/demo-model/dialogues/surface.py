"""Small differences in how people type: case, end marks, politeness. They change nothing of what is meant."""

from __future__ import annotations

from .draw import Draw

BEFORE = ["please ", "hey, ", "hi, ", "ok, ", "so ", "now ", "quick question: ", "excuse me, ", "can you tell me: "]
AFTER = [" please", ", thanks", ", please"]


# Beginnings that say the same. In training each is now and then put in another's place.
OPENINGS = [
    (
        "how do I ",
        "how can I ",
        "how to ",
        "how would I ",
        "how does one ",
        "tell me how to ",
        "I want to ",
        "what do I do to ",
    ),
    ("what is ", "what's ", "tell me: what is ", "can you say what is "),
    ("which command ", "what command ", "with which command do I find what "),
    ("where is ", "where do I find ", "where can I find "),
    ("does Azimuth ", "can Azimuth ", "do you "),
    ("can I ", "may I ", "is it possible to ", "could I "),
    ("tell me about ", "explain ", "what can you say about "),
    ("怎么", "如何", "怎样"),
]


def question(draw: Draw, text: str) -> str:
    """A question or request that may be changed freely, except in its places for values."""
    if not draw.held_back and draw.chance(0.4):
        text = reopened(draw, text)
    if text.startswith("{"):
        return text
    if not text.isascii():
        return text.rstrip("？?。！") if draw.chance(0.2) else text
    if draw.chance(0.12):
        text = draw.one(BEFORE) + text[0].lower() + text[1:]
    if draw.chance(0.06):
        text = text.rstrip("?.!") + draw.one(AFTER)
    if draw.chance(0.35):
        text = text[0].upper() + text[1:]
    if draw.chance(0.2):
        text = text.rstrip("?.!")
    if draw.chance(0.05):
        text = text.lower()
    return text


def reopened(draw: Draw, text: str) -> str:
    for openings in OPENINGS:
        for opening in openings:
            if text.startswith(opening):
                return draw.one(openings) + text[len(opening) :]
    return text


def request(draw: Draw, text: str) -> str:
    """A request with places for values, of which only the beginning may be changed."""
    if not text.isascii() or text.startswith("{"):
        return text
    if draw.chance(0.08):
        return draw.one(BEFORE[:6]) + text[0].lower() + text[1:]
    if draw.chance(0.4):
        return text[0].upper() + text[1:]
    return text
