"""Turns dialogues into the text of GLM-4.7's chat template, and says which of it the model has to write.

The template itself is the project's `generation-b.jinja`; the tests hold this file against it. It is written out here
because a template cannot tell what the model wrote from what it read.
"""

from __future__ import annotations

import json
import pathlib

from .exchange import Dialogue

TEMPLATE = pathlib.Path(__file__).resolve().parents[3] / "crates/inference/templates/generation-b.jinja"

TOOLS_BEFORE = """<|system|>
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
"""
TOOLS_AFTER = """</tools>

For each function call, output the function name and arguments within the following XML format:
<tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value><arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>"""

# What Azimuth tells a model in words, because no template has a place for it (`prompt/instructions.rs`).
JSON_OBJECT = "Your answer must be one valid JSON object and nothing else: no explanation and no code fence."
JSON_SCHEMA = (
    "Your answer must be valid JSON that obeys the JSON Schema `{name}` below, and nothing else: no explanation and no "
    "code fence.\n{schema}"
)
MUST_CALL = "Call at least one of the functions before you answer."
MUST_CALL_NAMED = "Call the function `{name}` before you answer."


def instructions(dialogue: Dialogue) -> str | None:
    """What is added to the system message."""
    said = []
    if dialogue.tools and dialogue.tool_choice == "required":
        said.append(MUST_CALL)
    elif dialogue.tools and isinstance(dialogue.tool_choice, dict):
        said.append(MUST_CALL_NAMED.replace("{name}", dialogue.tool_choice["function"]["name"]))
    chosen = dialogue.response_format
    if chosen and chosen["type"] == "json_object":
        said.append(JSON_OBJECT)
    elif chosen:
        about = chosen["json_schema"]
        schema = json.dumps(about["schema"], ensure_ascii=False, separators=(",", ":"))
        said.append(JSON_SCHEMA.replace("{name}", about["name"]).replace("{schema}", schema))
    return "\n\n".join(said) or None


def messages_as_rendered(dialogue: Dialogue) -> list[dict]:
    """The messages with the instructions in them and without thoughts that were not asked for."""
    messages = [dict(message) for message in dialogue.messages]
    added = instructions(dialogue)
    if added and messages[0]["role"] == "system":
        messages[0]["content"] += f"\n\n{added}"
    elif added:
        messages.insert(0, {"role": "system", "content": added})
    for message in messages:
        if not dialogue.thinking:
            message.pop("reasoning_content", None)
    return messages


def pieces(dialogue: Dialogue) -> list[tuple[str, int | None]]:
    """The text in pieces. A piece that the model writes comes with the index of the message it belongs to."""
    out: list[tuple[str, int | None]] = [("[gMASK]<sop>", None)]
    if dialogue.tools:
        tools = "".join(json.dumps(tool, ensure_ascii=False) + "\n" for tool in dialogue.tools)
        out.append((TOOLS_BEFORE + tools + TOOLS_AFTER, None))
    messages = messages_as_rendered(dialogue)
    inserted = len(messages) - len(dialogue.messages)
    last_user = max(index for index, message in enumerate(messages) if message["role"] == "user")
    previous = None
    for index, message in enumerate(messages):
        role, content = message["role"], message["content"]
        # The model ends its turn by writing the token that begins the next one.
        ended = index - 1 - inserted if previous == "assistant" else None
        if role == "system":
            out.append((f"<|system|>{content}", None))
        elif role == "user":
            out += [("<|user|>", ended), (content, None)]
        elif role == "tool":
            if previous != "tool":
                out.append(("<|observation|>", ended))
            out.append((f"<tool_response>{content}</tool_response>", None))
        else:
            written = index - inserted
            reasoning = message.get("reasoning_content") if index > last_user else None
            if reasoning:
                out += [("<|assistant|><think>", None), (f"{reasoning}</think>", written)]
            else:
                out.append(("<|assistant|></think>", None))
            out.append((content.strip() + calls_text(message), written))
        previous = role
    if previous == "assistant":
        end = "<|observation|>" if messages[-1].get("tool_calls") else "<|user|>"
        out.append((end, len(dialogue.messages) - 1))
    return [piece for piece in out if piece[0]]


def calls_text(message: dict) -> str:
    text = ""
    for each in message.get("tool_calls", []):
        text += f"<tool_call>{each['function']['name']}"
        for key, value in each["function"]["arguments"].items():
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text += f"<arg_key>{key}</arg_key><arg_value>{shown}</arg_value>"
        text += "</tool_call>"
    return text
