"""What is sent for a dialogue, and whether the reply is right."""

from __future__ import annotations

import dataclasses
import json

from dialogues.exchange import Dialogue

# More than any right answer needs: an answer that reaches it did not know when to stop.
TOKENS_MAX = 400


@dataclasses.dataclass
class Verdict:
    category: str
    is_right: bool
    thinks_as_asked: bool
    stops: bool
    asked: str
    wanted: object
    got: object
    completion_tokens: int


def request_body(dialogue: Dialogue, answer: int, model: str) -> dict:
    """The request to which message `answer` of the dialogue is the reply."""
    body = {
        "model": model,
        "messages": public_messages(dialogue, answer),
        "thinking": {"type": "enabled" if dialogue.thinking else "disabled"},
        "temperature": 0,
        "do_sample": False,
        "max_tokens": TOKENS_MAX,
    }
    if dialogue.tools:
        body["tools"] = dialogue.tools
        if dialogue.tool_choice != "auto":
            body["tool_choice"] = dialogue.tool_choice
    if dialogue.response_format:
        body["response_format"] = dialogue.response_format
    return body


def public_messages(dialogue: Dialogue, end: int) -> list[dict]:
    """The messages before `end` as clients send them: arguments as text, results with the id of their call."""
    messages, waiting = [], []
    for index, message in enumerate(dialogue.messages[:end]):
        message = dict(message)
        if message["role"] == "assistant":
            if not dialogue.thinking:
                message.pop("reasoning_content", None)
            if calls := message.get("tool_calls"):
                message["tool_calls"] = [public_call(each, f"call_{index}_{at}") for at, each in enumerate(calls)]
                waiting = [each["id"] for each in message["tool_calls"]]
        elif message["role"] == "tool":
            message["tool_call_id"] = waiting.pop(0)
        messages.append(message)
    return messages


def public_call(call: dict, call_id: str) -> dict:
    about = call["function"]
    arguments = json.dumps(about["arguments"], ensure_ascii=False)
    return {"id": call_id, "type": "function", "function": {"name": about["name"], "arguments": arguments}}


def grade(dialogue: Dialogue, answer: int, reply: dict) -> Verdict:
    """Compares the reply with the wanted message: words exactly, calls and JSON by value."""
    wanted = dialogue.messages[answer]
    asked = next(m["content"] for m in reversed(dialogue.messages[:answer]) if m["role"] == "user")
    category = dialogue.categories[answer]
    if "choices" not in reply:
        return Verdict(category, False, False, False, asked, wanted["content"], reply, 0)
    choice = reply["choices"][0]
    message, reason = choice["message"], choice["finish_reason"]
    content = (message.get("content") or "").strip()
    calls = [
        (each["function"]["name"], parsed(each["function"]["arguments"])) for each in message.get("tool_calls") or []
    ]
    wanted_calls = [(each["function"]["name"], each["function"]["arguments"]) for each in wanted.get("tool_calls", [])]

    if wanted_calls:
        is_right = calls == wanted_calls and reason == "tool_calls"
    elif category.startswith("json"):
        is_right = parsed(content) == parsed(wanted["content"]) is not None and not calls
    else:
        is_right = content == wanted["content"].strip() and not calls
    thinks_as_asked = bool((message.get("reasoning_content") or "").strip()) == dialogue.thinking
    stops = reason in ("stop", "tool_calls")
    return Verdict(
        category,
        is_right and thinks_as_asked and stops,
        thinks_as_asked,
        stops,
        asked,
        wanted_calls or wanted["content"],
        calls or content,
        reply.get("usage", {}).get("completion_tokens", 0),
    )


def parsed(text):
    """JSON by value; `None` for what is none."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return None
