"""Dialogues in which tools are offered: called, several at once, their results told, or not needed at all."""

from __future__ import annotations

from . import knowledge, small_talk, values
from .draw import Draw, banks
from .exchange import Dialogue, assistant, call, tool_result, user
from .invented_tools import invented_tool
from .outcomes import compact
from .skill_list import SKILLS
from .skill_list_zh import SKILLS_ZH
from .skills import Tool, tool
from .surface import request

BANKS = banks("tool_use")

JOINTS = BANKS["joint"]
JOINTS_ZH = BANKS["joint in Chinese"]
PLURALS = {
    "weather": BANKS["weather of several"],
    "time": BANKS["time of several"],
    "price": BANKS["price of several"],
    "search": BANKS["search for several"],
    "read_file": BANKS["read several"],
}
# Skills that are asked for in the same words.
ALIKE = {"now": "time", "add": "calculator", "message": "email", "price": "calculator", "convert": "calculator"}
# What people add who want to see a tool called.
URGINGS = [
    "Use the tool.",
    "Use a tool.",
    "Please use the tool.",
    "Call the tool for it.",
    "Answer with the help of the tool.",
]
FAILURES = [
    "not found",
    "permission denied",
    "timeout",
    "invalid value",
    "service unavailable",
    "no such user",
    "quota exceeded",
]


def tool_dialogue(draw: Draw, exchanges_max: int = 3) -> Dialogue:
    """Some tools, and one to `exchanges_max` requests that need them or not."""
    is_chinese = draw.chance(0.15)
    offered = _offered(draw, is_chinese)
    dialogue = Dialogue([], {}, [each.declaration() for each in offered])
    for _ in range(draw.between(1, exchanges_max)):
        if draw.chance(0.14):
            _no_tool_needed(draw, dialogue, offered)
        elif draw.chance(0.34):
            _several_calls(draw, dialogue, offered, is_chinese)
        else:
            _one_call(draw, dialogue, draw.one(offered), is_chinese)
        if dialogue.messages[-1].get("tool_calls"):
            # Whoever must call cannot answer, so this is asked for only where the dialogue ends with calls.
            dialogue.tool_choice = _tool_choice(draw, dialogue.messages[-1]["tool_calls"])
            break
    return dialogue


def _tool_choice(draw: Draw, calls: list[dict]) -> str | dict:
    if draw.chance(0.7):
        return "auto"
    if len(calls) > 1 or draw.chance(0.5):
        return "required"
    return {"type": "function", "function": {"name": calls[0]["function"]["name"]}}


def _offered(draw: Draw, is_chinese: bool) -> list[Tool]:
    count = draw.weighted({1: 5, 2: 4, 3: 1.2, 4: 0.5})
    offered: dict[str, Tool] = {}
    keys = set()
    while len(offered) < count:
        if is_chinese:
            each = tool(draw, draw.one(SKILLS_ZH))
        elif draw.chance(0.35):
            each = invented_tool(draw)
        else:
            each = tool(draw, draw.one(SKILLS))
        # Two tools of one kind would make it a matter of taste which one is called.
        kind = ALIKE.get(each.skill.key, each.skill.key)
        if each.name in offered or (kind in keys and kind != "invented"):
            continue
        offered[each.name] = each
        keys.add(kind)
    return list(offered.values())


def _finish(draw: Draw, dialogue: Dialogue, results: list[str], answer: str, is_chinese: bool):
    """Adds the results and what is said of them; or leaves the dialogue at the call."""
    if draw.chance(0.2):
        return
    dialogue.messages += [tool_result(result) for result in results]
    dialogue.categories[len(dialogue.messages)] = "tool result"
    dialogue.messages.append(assistant(answer, "我有结果了。" if is_chinese else "I have the result."))


def _outcome(draw: Draw, chosen: Tool, drawn: dict) -> tuple[str, str]:
    if draw.chance(0.08):
        failure = draw.one(FAILURES) if draw.chance(0.6) else values.topic(draw)
        result = draw.one([f"Error: {failure}", compact({"error": failure}), f"error: {failure}"])
        return result, f"The tool {chosen.name} failed: {failure}."
    return chosen.skill.outcome(draw, drawn)


def _category(arguments: dict, is_chinese: bool) -> str:
    if is_chinese:
        return "tool call, Chinese"
    if any(isinstance(value, dict | list) for value in arguments.values()):
        return "tool call, nested"
    return "tool call"


def _one_call(draw: Draw, dialogue: Dialogue, chosen: Tool, is_chinese: bool):
    said, arguments, drawn = chosen.request(draw)
    if said.endswith("?") and draw.chance(0.1):
        said += " " + draw.one(URGINGS)  # only where no value can end: it would seem to go on
    dialogue.messages.append(user(said))
    dialogue.categories[len(dialogue.messages)] = _category(arguments, is_chinese)
    reasoning = chosen.skill.reasoning.replace("{name}", chosen.name)
    dialogue.messages.append(assistant("", reasoning, [call(chosen.name, arguments)]))
    result, answer = _outcome(draw, chosen, drawn)
    _finish(draw, dialogue, [result], answer, is_chinese)


def _several_calls(draw: Draw, dialogue: Dialogue, offered: list[Tool], is_chinese: bool):
    """Requests joined in one turn, for one tool or for several."""
    plural = [each for each in offered if each.skill.key in PLURALS and not is_chinese]
    if plural and draw.chance(0.7):
        chosen = draw.one(plural)
        by_item = _calls_by_item(draw, chosen, draw.between(2, 3))
        items, calls = list(by_item), list(by_item.values())
        listed = ", ".join(items[:-1]) + draw.one([" and ", ", ", " and "]) + items[-1]
        said = draw.say(PLURALS[chosen.skill.key], request, items=listed)
    else:
        chosen = draw.rng.sample(offered, 2) if len(offered) > 1 and draw.chance(0.8) else [draw.one(offered)] * 2
        calls = [(each, *each.request(draw)) for each in chosen]
        if calls[0][2] == calls[1][2] and calls[0][0] is calls[1][0]:
            return _one_call(draw, dialogue, chosen[0], is_chinese)  # nobody asks for the same thing twice
        joint = draw.say(JOINTS_ZH if is_chinese else JOINTS)
        said = calls[0][1].rstrip("?？") + joint + calls[1][1]
    dialogue.messages.append(user(said))
    dialogue.categories[len(dialogue.messages)] = "several calls"
    names = ("，然后 " if is_chinese else ", then ").join(each.name for each, *_ in calls)
    reasoning = calls[0][0].skill.reasoning.replace("{name}", names)
    dialogue.messages.append(assistant("", reasoning, [call(each.name, arguments) for each, _, arguments, _ in calls]))
    outcomes = [_outcome(draw, each, drawn) for each, _, _, drawn in calls]
    answer = ("" if is_chinese else " ").join(said for _, said in outcomes)
    _finish(draw, dialogue, [result for result, _ in outcomes], answer, is_chinese)


def _calls_by_item(draw: Draw, chosen: Tool, count: int) -> dict[str, tuple]:
    """Calls of one tool, by the item that each is for. No item comes twice, or is itself two things with an "and"."""
    calls: dict[str, tuple] = {}
    while len(calls) < count:
        said, arguments, drawn = chosen.request(Draw(draw.rng))
        item = str(next(iter(drawn.values())))
        if " and " not in item:
            calls[item] = (chosen, said, arguments, drawn)
    return calls


def _no_tool_needed(draw: Draw, dialogue: Dialogue, offered: list[Tool]):
    exchange = draw.one(
        [small_talk.greeting, small_talk.identity, small_talk.courtesy, knowledge.fact, knowledge.fact]
    )(draw)
    dialogue.messages.append(user(exchange.asked))
    dialogue.categories[len(dialogue.messages)] = "no tool needed"
    dialogue.messages.append(assistant(exchange.answer, exchange.reasoning))
