"""What a dialogue is made of."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Exchange:
    """A request and its answer, without tools."""

    category: str
    asked: str
    reasoning: str
    answer: str


@dataclasses.dataclass
class Dialogue:
    """A conversation in the public form, with the category of each answer.

    `messages` are as a client sends them, except that a call's arguments are an object. `categories` maps the
    index of an answer to its category; answers that are not in it are history only.
    """

    messages: list[dict]
    categories: dict[int, str]
    tools: list[dict] = dataclasses.field(default_factory=list)
    thinking: bool = False
    response_format: dict | None = None
    tool_choice: str | dict = "auto"
    wordings: list[str] = dataclasses.field(default_factory=list)


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def assistant(text: str, reasoning: str, calls: list[dict] | None = None) -> dict:
    message = {"role": "assistant", "content": text, "reasoning_content": reasoning}
    if calls:
        message["tool_calls"] = calls
    return message


def call(name: str, arguments: dict) -> dict:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def tool_result(text: str) -> dict:
    return {"role": "tool", "content": text}


def function(name: str, description: str, parameters: dict) -> dict:
    """A tool as clients declare it."""
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def object_schema(properties: dict, required: list[str] | None = None) -> dict:
    """A JSON schema of an object; everything is required unless said otherwise."""
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}
