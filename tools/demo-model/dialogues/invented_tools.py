"""Tools nobody has heard of, with invented names and parameters: their use can only be read from the prompt."""

from __future__ import annotations

from . import values
from .draw import Draw, banks
from .json_answers import FIELDS
from .lexicon import VERBS
from .skills import Skill, Slot, Tool
from .surface import request

BANKS = banks("invented_tools")

ASKED = BANKS["invented tool"]
NOTHING = BANKS["invented tool without arguments"]


class InventedTool(Tool):
    """A tool whose skill is spoken of by its own name."""

    def request(self, draw: Draw) -> tuple[str, dict, dict]:
        drawn = {slot: about.make(draw) for slot, about in self.skill.slots.items()}
        if not drawn:
            return draw.say(NOTHING, request, tool=self.name), {}, {}
        sign = draw.one([" ", ": ", "=", " = "])
        between = draw.one([", ", " and ", ", "])
        spoken = between.join(f"{name}{sign}{written(value)}" for name, value in drawn.items())
        return draw.say(ASKED, request, tool=self.name, arguments=spoken), drawn, drawn


def written(value) -> str:
    """A value as it is named beside its key."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " and ".join(map(str, value))
    return str(value)


def invented_tool(draw: Draw) -> Tool:
    name = f"{draw.one(VERBS)}_{values.word(draw)}" if draw.chance(0.7) else values.identifier(draw)
    slots = {}
    for field in draw.some(list(FIELDS), 0, 3):
        make, schema = FIELDS[field]
        key = values.identifier(draw) if draw.chance(0.3) else field
        slots[key] = Slot((key,), schema, make)
    description = f"{draw.one(VERBS).capitalize()} the {values.word(draw)}"
    skill = Skill("invented", (name,), description, slots, ASKED, _outcome(name))
    return InventedTool(skill, name, {key: key for key in slots})


def _outcome(name: str):
    def outcome(draw: Draw, drawn: dict) -> tuple[str, str]:
        result = draw.one([values.topic, values.code, values.sentence, values.whole_number, values.noise])(draw)
        return str(result), f"{name} returned: {result}"

    return outcome
