"""Tools of many kinds: how they are declared, asked for in words, and what comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from .draw import Bank, Draw
from .exchange import function, object_schema
from .surface import request

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
TRUTH = {"type": "boolean"}


@dataclasses.dataclass(frozen=True)
class Slot:
    """A value that a request names: what the parameter may be called, its schema, how it is drawn."""

    names: tuple[str, ...]
    schema: dict
    make: Callable[[Draw], object]


@dataclasses.dataclass(frozen=True)
class Skill:
    """Something a tool can do. `outcome` gives what the tool returns, and the sentence that tells it."""

    key: str
    names: tuple[str, ...]
    description: str
    slots: dict[str, Slot]
    asked: Bank
    outcome: Callable[[Draw, dict], tuple[str, str]]
    reasoning: str = "I call {name}."
    # Parameters that are declared and never needed.
    spare: dict | None = None


@dataclasses.dataclass(frozen=True)
class Tool:
    """A skill under a name, with its parameters named."""

    skill: Skill
    name: str
    parameters: dict[str, str]

    def declaration(self) -> dict:
        properties = {self.parameters[slot]: about.schema for slot, about in self.skill.slots.items()}
        required = list(properties)
        return function(
            self.name, self.skill.description, object_schema(properties | (self.skill.spare or {}), required)
        )

    def request(self, draw: Draw) -> tuple[str, dict, dict]:
        """What a person says, the arguments that follow, and the values by slot."""
        drawn = {slot: about.make(draw) for slot, about in self.skill.slots.items()}
        said = draw.say(self.skill.asked, request, **{slot: spoken(value) for slot, value in drawn.items()})
        return said, {self.parameters[slot]: value for slot, value in drawn.items()}, drawn


def tool(draw: Draw, skill: Skill) -> Tool:
    return Tool(skill, draw.one(skill.names), {slot: draw.one(about.names) for slot, about in skill.slots.items()})


def spoken(value) -> str:
    """A value as a request names it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return " and ".join(spoken(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {spoken(item)}" for key, item in value.items())
    return str(value)
