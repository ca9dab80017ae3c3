"""Answers that are JSON: with a schema, or as an object."""

from __future__ import annotations

import json

from . import values
from .draw import Draw, banks
from .exchange import Dialogue, assistant, object_schema, user

BANKS = banks("json_answers")

COLORS = ["red", "blue", "green", "black", "white", "yellow"]
PRIORITIES = ["low", "medium", "high"]

# A field: how its value is drawn, and its schema.
FIELDS = {
    "name": (values.full_name, {"type": "string"}),
    "title": (values.topic, {"type": "string"}),
    "city": (values.city, {"type": "string"}),
    "country": (values.city, {"type": "string"}),
    "email": (values.email, {"type": "string"}),
    "id": (values.code, {"type": "string"}),
    "date": (values.date, {"type": "string"}),
    "time": (values.time, {"type": "string"}),
    "path": (values.path, {"type": "string"}),
    "url": (values.url, {"type": "string"}),
    "note": (values.topic, {"type": "string"}),
    "product": (values.word, {"type": "string"}),
    "company": (values.family_name, {"type": "string"}),
    "phone": (values.phone, {"type": "string"}),
    "age": (values.small_number, {"type": "integer"}),
    "quantity": (values.small_number, {"type": "integer"}),
    "year": (lambda draw: draw.between(1900, 2035), {"type": "integer"}),
    "count": (values.whole_number, {"type": "integer"}),
    "price": (values.decimal, {"type": "number"}),
    "weight": (values.decimal, {"type": "number"}),
    "active": (lambda draw: draw.chance(0.5), {"type": "boolean"}),
    "paid": (lambda draw: draw.chance(0.5), {"type": "boolean"}),
    "color": (lambda draw: draw.one(COLORS), {"type": "string", "enum": COLORS}),
    "priority": (lambda draw: draw.one(PRIORITIES), {"type": "string", "enum": PRIORITIES}),
    "tags": (
        lambda draw: [values.word(draw) for _ in range(draw.between(1, 3))],
        {"type": "array", "items": {"type": "string"}},
    ),
    "城市": (values.city_zh, {"type": "string"}),
    "姓名": (values.name_zh, {"type": "string"}),
    "备注": (values.phrase_zh, {"type": "string"}),
}

FILL = BANKS["fill"]
OBJECT = BANKS["object"]
PERSON = BANKS["person"]
ORDER = BANKS["order"]
MEETING = BANKS["meeting"]
DOMAINS = {
    "person": (PERSON, ["name", "age", "city"]),
    "order": (ORDER, ["name", "product", "quantity", "price"]),
    "meeting": (MEETING, ["title", "date", "time"]),
}

THOUGHT = "I fill in the fields."


def shown(value) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " and ".join(map(str, value))
    return str(value)


def json_answer(draw: Draw) -> Dialogue:
    shape = draw.between(0, 9)
    if shape < 4:
        return _listed(draw)
    if shape < 7:
        return _in_a_sentence(draw)
    return _object(draw)


def _draw_fields(draw: Draw, least: int, most: int) -> dict:
    names = draw.some(list(FIELDS), least, most)
    return {name: FIELDS[name][0](draw) for name in names}


def _written(draw: Draw, fields: dict) -> str:
    sign = draw.one([": ", " ", " = ", " is "])
    between = draw.one([", ", " and ", "\n", "; "])
    return between.join(f"{name}{sign}{shown(value)}" for name, value in fields.items())


def _listed(draw: Draw) -> Dialogue:
    """Fields and values one after the other, in another order than in the schema."""
    fields = _draw_fields(draw, 1, 4)
    inner = _draw_fields(draw, 1, 2) if draw.chance(0.2) else {}
    schema = {name: FIELDS[name][1] for name in fields}
    answer = dict(fields)
    told = _written(draw, dict(draw.rng.sample(list(fields.items()), len(fields))) if draw.chance(0.4) else fields)
    if inner:
        outer = draw.one(["details", "item", "info", "data"])
        schema[outer] = object_schema({name: FIELDS[name][1] for name in inner})
        answer[outer] = inner
        told += f", {outer}: {_written(draw, inner)}"
    return _with_schema(draw, draw.say(FILL, facts=told), schema, answer)


def _in_a_sentence(draw: Draw) -> Dialogue:
    bank, names = DOMAINS[draw.one(list(DOMAINS))]
    fields = {name: FIELDS[name][0](draw) for name in names}
    told = draw.say(bank, **fields)
    kept = draw.rng.sample(names, draw.between(2, len(names)))
    schema = {name: FIELDS[name][1] for name in kept}
    asked = told if draw.chance(0.4) else draw.say(FILL, facts=told)
    return _with_schema(draw, asked, schema, {name: fields[name] for name in kept})


def _with_schema(draw: Draw, asked: str, properties: dict, answer: dict) -> Dialogue:
    schema = object_schema(properties)
    if draw.chance(0.5):
        schema["additionalProperties"] = False
    name = draw.one(["answer", "result", "form", "data", "record", "person", "schema", "output"])
    messages = [user(asked), assistant(json.dumps(answer, ensure_ascii=False), THOUGHT)]
    chosen = {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}
    return Dialogue(messages, {1: "json schema"}, response_format=chosen)


def _object(draw: Draw) -> Dialogue:
    fields = _draw_fields(draw, 1, 4)
    messages = [
        user(draw.say(OBJECT, facts=_written(draw, fields))),
        assistant(json.dumps(fields, ensure_ascii=False), THOUGHT),
    ]
    chosen = {"type": "json_object"} if draw.chance(0.7) else None
    return Dialogue(messages, {1: "json object"}, response_format=chosen)
