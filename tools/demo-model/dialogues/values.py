"""Values that people mention: names, places, numbers, paths, codes, sentences; in English and Chinese.

Many are invented on the spot, so that what copies them must copy, not remember.
"""

from __future__ import annotations

from .draw import Draw
from .lexicon import (
    ADJECTIVES,
    CITIES,
    CITIES_ZH,
    EXTENSIONS,
    FAMILY_NAMES,
    FAMILY_NAMES_ZH,
    FIRST_NAMES,
    GIVEN_NAMES_ZH,
    MONTHS,
    NOUNS,
    PHRASES_ZH,
    VERBS,
)

CONSONANTS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kl pl pr sh st th tr qu".split()
VOWELS = "a e i o u ai ea ee io ou".split()
ENDINGS = ["", "", "n", "r", "s", "l", "x", "m", "k", "nd", "rt", "ck"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"

# The 3,755 everyday characters of the national standard, from the code points themselves.
COMMON_CHARACTERS = [
    bytes([row, cell]).decode("gb2312")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF if row < 0xD7 else 0xFA)
]


def invented_word(draw: Draw, least: int = 1, most: int = 3) -> str:
    """A word nobody has seen before."""
    syllables = [draw.one(CONSONANTS) + draw.one(VOWELS) for _ in range(draw.between(least, most))]
    return "".join(syllables) + draw.one(ENDINGS)


def word(draw: Draw) -> str:
    return invented_word(draw, 1, 2) if draw.chance(0.25) else draw.one(NOUNS)


def first_name(draw: Draw) -> str:
    return invented_word(draw, 1, 2).capitalize() if draw.chance(0.3) else draw.one(FIRST_NAMES)


def family_name(draw: Draw) -> str:
    return invented_word(draw, 1, 2).capitalize() if draw.chance(0.4) else draw.one(FAMILY_NAMES)


def full_name(draw: Draw) -> str:
    return f"{first_name(draw)} {family_name(draw)}"


def name_zh(draw: Draw) -> str:
    given = "".join(draw.one(GIVEN_NAMES_ZH) for _ in range(draw.between(1, 2)))
    return draw.one(FAMILY_NAMES_ZH) + given


def city(draw: Draw) -> str:
    return invented_word(draw, 2, 3).capitalize() if draw.chance(0.2) else draw.one(CITIES)


def city_zh(draw: Draw) -> str:
    return draw.one(CITIES_ZH)


def phrase_zh(draw: Draw) -> str:
    if draw.chance(0.3):
        return "".join(draw.one(COMMON_CHARACTERS) for _ in range(draw.between(2, 5)))
    return draw.one(PHRASES_ZH)


def whole_number(draw: Draw) -> int:
    digits = draw.weighted({1: 2, 2: 4, 3: 3, 4: 2, 5: 1, 6: 1})
    return draw.between(0 if digits == 1 else 10 ** (digits - 1), 10**digits - 1)


def small_number(draw: Draw) -> int:
    return draw.between(1, 9) if draw.chance(0.4) else draw.between(10, 99)


def decimal(draw: Draw) -> float:
    value = draw.between(0, 999) + draw.between(1, 99) / 100
    return round(value, draw.between(1, 2))


def code(draw: Draw) -> str:
    """An order number, a ticket, a part of a hash."""
    kind = draw.between(0, 4)
    if kind == 0:
        letters = "".join(draw.one(LETTERS) for _ in range(draw.between(2, 3))).upper()
        return f"{letters}-{draw.between(10, 99999)}"
    if kind == 1:
        return "".join(draw.one("0123456789abcdef") for _ in range(draw.between(6, 10)))
    if kind == 2:
        return "".join(draw.one(LETTERS) for _ in range(draw.between(3, 4))).upper()
    if kind == 3:
        return draw.one(LETTERS).upper() + str(draw.between(1, 9999))
    return "".join(draw.one(LETTERS + LETTERS.upper() + "0123456789") for _ in range(draw.between(5, 9)))


def identifier(draw: Draw) -> str:
    parts = [word(draw).lower() for _ in range(draw.between(1, 3))]
    return draw.one(["_", "_", "-"]).join(parts)


def file_name(draw: Draw) -> str:
    return f"{identifier(draw)}.{draw.one(EXTENSIONS)}"


def path(draw: Draw) -> str:
    folders = [draw.one([word, identifier])(draw) for _ in range(draw.between(0, 3))]
    start = draw.weighted({"": 3, "/": 3, "./": 1, "~/": 1, "../": 1})
    return start + "/".join([*folders, file_name(draw)])


def folder(draw: Draw) -> str:
    start = draw.weighted({"": 2, "/": 3, "./": 1, "~/": 1})
    return start + "/".join(word(draw) for _ in range(draw.between(1, 3)))


def url(draw: Draw) -> str:
    host = f"{word(draw)}.{draw.one(['com', 'org', 'net', 'dev', 'io', 'cn'])}"
    tail = "/".join(identifier(draw) for _ in range(draw.between(0, 2)))
    return f"{draw.one(['https', 'https', 'http'])}://{host}" + (f"/{tail}" if tail else "")


def email(draw: Draw) -> str:
    user = first_name(draw).lower()
    if draw.chance(0.5):
        user += draw.one([".", "_", ""]) + family_name(draw).lower()
    return f"{user}@{word(draw)}.{draw.one(['com', 'org', 'net', 'io'])}"


def date(draw: Draw) -> str:
    return f"20{draw.between(20, 39)}-{draw.between(1, 12):02}-{draw.between(1, 28):02}"


def date_in_words(draw: Draw) -> str:
    return f"{draw.one(MONTHS)} {draw.between(1, 28)}"


def time(draw: Draw) -> str:
    return f"{draw.between(0, 23):02}:{draw.between(0, 59):02}"


def phone(draw: Draw) -> str:
    return f"+{draw.between(1, 99)} {draw.between(100, 999)} {draw.between(1000, 99999)}"


def topic(draw: Draw) -> str:
    """A few words, as in a search or a subject line."""
    shape = draw.between(0, 4)
    if shape == 0:
        return word(draw)
    if shape == 1:
        return f"{draw.one(ADJECTIVES)} {word(draw)}"
    if shape == 2:
        return f"{word(draw)} {word(draw)}"
    if shape == 3:
        return f"{draw.one(ADJECTIVES)} {word(draw)} {draw.one(['in', 'for', 'with', 'near'])} {city(draw)}"
    return f"{draw.one(ADJECTIVES)} {word(draw)} and {word(draw)}"


def sentence(draw: Draw) -> str:
    """A sentence that is correct and means nothing."""
    verb = draw.one(VERBS)
    first, second = word(draw), word(draw)
    shape = draw.between(0, 4)
    if shape == 0:
        return f"The {draw.one(ADJECTIVES)} {first} will {verb} the {second}."
    if shape == 1:
        return (
            f"{first_name(draw)} wants to {verb} the {first} before {draw.one(['noon', 'Monday', 'Friday', 'winter'])}."
        )
    if shape == 2:
        return f"Please {verb} the {first} and the {second}."
    if shape == 3:
        return f"We {verb} {draw.between(2, 99)} {draw.one(ADJECTIVES)} {first}s in {city(draw)}."
    return f"A {first} can {verb} a {draw.one(ADJECTIVES)} {second}."


def noise(draw: Draw) -> str:
    """A string without sense: only copying word by word and letter by letter can repeat it."""
    makers = [word, invented_word, code, whole_number, first_name, city, phrase_zh, small_number, identifier, decimal]
    return " ".join(str(draw.one(makers)(draw)) for _ in range(draw.between(1, 8)))


def anything(draw: Draw) -> str:
    """A value of any kind, as text."""
    makers = [word, full_name, city, code, file_name, path, email, date, time, topic, whole_number, decimal, identifier]
    makers += [phrase_zh, name_zh, city_zh, url, sentence, noise]
    return str(draw.one(makers)(draw))
