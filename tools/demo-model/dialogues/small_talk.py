"""Greetings, thanks, and what the model says of itself."""

from __future__ import annotations

from . import values
from .draw import Draw, banks
from .exchange import Exchange
from .model_facts import NAME, SIZE, SIZE_ZH
from .surface import question

BANKS = banks("small_talk")

GREET = BANKS["greet"]
GREET_ZH = BANKS["greet in Chinese"]
IDENTITY = BANKS["identity"]
IDENTITY_ZH = BANKS["identity in Chinese"]
ABILITIES = BANKS["abilities"]
ABILITIES_ZH = BANKS["abilities in Chinese"]
THANKS = BANKS["thanks"]
THANKS_ZH = BANKS["thanks in Chinese"]
BYE = BANKS["bye"]
BYE_ZH = BANKS["bye in Chinese"]

GREETING = f"Hello! I am {NAME}. Ask me about Azimuth, or give me a small task."
GREETING_ZH = "你好！我是 Azimuth 的演示模型。可以问我关于 Azimuth 的问题，或者给我一个小任务。"
SELF = (
    f"I am {NAME}: about {SIZE} parameters, trained from scratch on synthetic dialogues. I show that everything works and "
    "know next to nothing. Point Azimuth at real weights with `azimuth models pull hf:ORG/REPO`."
)
SELF_ZH = (
    f"我是 Azimuth 的演示模型：大约 {SIZE_ZH}参数，用合成对话从零训练。我只用来证明一切运转正常，几乎没有知识。"
    "请用 `azimuth models pull hf:ORG/REPO` 换成真正的模型。"
)
CAN = (
    "I can answer questions about Azimuth, call tools and use their results, fill JSON, repeat and reformat text, write a small "
    "file with a tool, give a title, and translate a few phrases. I can't reason, calculate or program."
)
CAN_ZH = "我可以回答关于 Azimuth 的问题、调用工具、填写 JSON、复述和整理文字、用工具写小文件、起标题、翻译一些短语。我不会推理、计算或编程。"

NAME_GIVEN = BANKS["name given"]
NAME_ASKED = BANKS["name asked"]
THING_GIVEN = BANKS["thing given"]
THING_ASKED = BANKS["thing asked"]
THINGS = [
    "favourite color", "order number", "room number", "locker code", "car", "city", "project", "password hint", "seat",
    "ticket number", "dog's name", "badge", "username",
]  # fmt: skip


def greeting(draw: Draw) -> Exchange:
    return _fixed(draw, "greeting", (GREET, GREETING, "The user greets me."), (GREET_ZH, GREETING_ZH, "用户在打招呼。"))


def identity(draw: Draw) -> Exchange:
    if draw.chance(0.35):
        return _fixed(
            draw,
            "identity",
            (ABILITIES, CAN, "The user asks what I can do."),
            (ABILITIES_ZH, CAN_ZH, "用户问我能做什么。"),
        )
    return _fixed(
        draw, "identity", (IDENTITY, SELF, "The user asks what I am."), (IDENTITY_ZH, SELF_ZH, "用户问我是谁。")
    )


def courtesy(draw: Draw) -> Exchange:
    if draw.chance(0.6):
        return _fixed(
            draw,
            "greeting",
            (THANKS, "You are welcome!", "The user thanks me."),
            (THANKS_ZH, "不客气！", "用户在道谢。"),
        )
    return _fixed(draw, "greeting", (BYE, "Goodbye!", "The user says goodbye."), (BYE_ZH, "再见！", "用户在道别。"))


def remembering(draw: Draw) -> list[Exchange]:
    """Something is told, and asked for in a later turn."""
    if draw.chance(0.5):
        name = values.full_name(draw) if draw.chance(0.3) else values.first_name(draw)
        told = Exchange(
            "memory", draw.say(NAME_GIVEN, name=name), "The user tells me a name.", f"Nice to meet you, {name}!"
        )
        asked = Exchange("memory", draw.say(NAME_ASKED), f"The user's name is {name}.", f"Your name is {name}.")
        return [told, asked]
    thing, value = draw.one(THINGS), draw.one([values.word, values.code, values.city, values.whole_number])(draw)
    given = draw.say(THING_GIVEN, thing=thing, value=value)
    told = Exchange("memory", given, f"The user tells me a {thing}.", f"I will remember: your {thing} is {value}.")
    asked = Exchange(
        "memory", draw.say(THING_ASKED, thing=thing), f"The {thing} is {value}.", f"Your {thing} is {value}."
    )
    return [told, asked]


def _fixed(draw: Draw, category: str, english: tuple, chinese: tuple) -> Exchange:
    bank, answer, reasoning = chinese if draw.chance(0.22) else english
    return Exchange(category, draw.say(bank, question), reasoning, answer)
