"""Repeating and reformatting: answers that can only be had by copying. They teach what tool arguments need."""

from __future__ import annotations

from . import values
from .draw import Draw, banks
from .exchange import Exchange
from .surface import request

BANKS = banks("copying")

ECHO = BANKS["echo"]
BULLETS = BANKS["bullets"]
NUMBERED = BANKS["numbered"]
JOINED = BANKS["joined"]
QUOTED = BANKS["quoted"]
CODE_BLOCK = BANKS["code block"]
TABLE = BANKS["table"]
LAST_FIRST = BANKS["last name first"]
LOOKUP = BANKS["lookup"]

REPEATS = "I repeat the text."
REFORMATS = "I reformat the text."


def echo(draw: Draw) -> Exchange:
    text = values.anything(draw)
    return Exchange("copying", draw.say(ECHO, request, text=text), REPEATS, text)


def noise_echo(draw: Draw) -> Exchange:
    """For the beginning of the training: long strings without any sense."""
    text = " ".join(values.noise(draw) for _ in range(draw.between(1, 3)))
    return Exchange("copying", draw.say(ECHO, text=text), REPEATS, text)


def lookup(draw: Draw) -> Exchange:
    """One value of several, by its key."""
    count = draw.between(2, 6)
    keys = list(dict.fromkeys(draw.one([values.identifier, values.word, values.code])(draw) for _ in range(count)))
    makers = [values.word, values.code, values.whole_number, values.city, values.noise, values.path, values.phrase_zh]
    pairs = {key: str(draw.one(makers)(draw)) for key in keys}
    sign = draw.one([": ", " = ", " is ", ": "])
    between = draw.one(["\n", "\n", ", ", "; "])
    key = draw.one(keys)
    asked = draw.say(LOOKUP, pairs=between.join(key + sign + value for key, value in pairs.items()), key=key)
    return Exchange("copying", asked, f"I look for {key}.", pairs[key])


def reformat(draw: Draw) -> Exchange:
    maker = draw.one([_bullets, _bullets, _numbered, _joined, _quoted, _code_block, _table, _last_first])
    asked, answer = maker(draw)
    return Exchange("copying", asked, REFORMATS, answer)


def _items(draw: Draw) -> list[str]:
    maker = draw.one(
        [values.word, values.city, values.first_name, values.code, values.file_name, values.topic, values.phrase_zh]
    )
    return draw.different(maker, draw.between(2, 6))


def _bullets(draw: Draw) -> tuple[str, str]:
    items = _items(draw)
    return draw.say(BULLETS, request, items=", ".join(items)), "\n".join(f"- {item}" for item in items)


def _numbered(draw: Draw) -> tuple[str, str]:
    items = _items(draw)
    return draw.say(NUMBERED, request, items=", ".join(items)), "\n".join(
        f"{n}. {item}" for n, item in enumerate(items, 1)
    )


def _joined(draw: Draw) -> tuple[str, str]:
    items = _items(draw)
    return draw.say(JOINED, request, lines="\n".join(items)), ", ".join(items)


def _quoted(draw: Draw) -> tuple[str, str]:
    text = draw.one([values.topic, values.word, values.full_name, values.noise])(draw)
    return draw.say(QUOTED, request, text=text), f'"{text}"'


def _code_block(draw: Draw) -> tuple[str, str]:
    command = draw.one(["ls", "cd", "cat", "rm", "git add", "python", "cp", "grep main"])
    text = f"{command} {values.path(draw)}"
    return draw.say(CODE_BLOCK, request, text=text), f"```\n{text}\n```"


def _table(draw: Draw) -> tuple[str, str]:
    pairs = [(name, values.whole_number(draw)) for name in draw.different(values.word, draw.between(2, 4))]
    head = "| name | value |\n| --- | --- |"
    rows = "\n".join(f"| {name} | {value} |" for name, value in pairs)
    return draw.say(TABLE, request, pairs=", ".join(f"{name} {value}" for name, value in pairs)), f"{head}\n{rows}"


def _last_first(draw: Draw) -> tuple[str, str]:
    first, last = values.first_name(draw), values.family_name(draw)
    return draw.say(LAST_FIRST, request, first=first, last=last), f"{last}, {first}"
