"""The skills that are asked for in Chinese."""

from __future__ import annotations

from . import values
from .draw import banks
from .outcomes import done_zh, found_zh, weather_zh, with_number_zh
from .skills import TEXT, Skill, Slot

BANKS = banks("skills_zh")
CITY = Slot(("city", "location", "城市"), TEXT, values.city_zh)


def skill(key, names, description, slots, outcome) -> Skill:
    return Skill(key, tuple(names.split()), description, slots, BANKS[key], outcome, reasoning="我调用 {name}。")


SKILLS_ZH = [
    skill(
        "weather",
        "get_weather get_current_weather weather",
        "查询城市天气",
        {"city": CITY},
        weather_zh,
    ),
    skill(
        "search",
        "search web_search",
        "搜索网页",
        {"query": Slot(("query", "q", "关键词"), TEXT, values.phrase_zh)},
        found_zh,
    ),
    skill(
        "note",
        "create_note add_note",
        "保存一条笔记",
        {"text": Slot(("text", "content", "内容"), TEXT, values.phrase_zh)},
        done_zh,
    ),
    skill(
        "message",
        "send_message send_sms",
        "给联系人发消息",
        {
            "name": Slot(("to", "name", "收件人"), TEXT, values.name_zh),
            "text": Slot(("text", "message", "内容"), TEXT, values.phrase_zh),
        },
        done_zh,
    ),
    skill(
        "train",
        "book_train book_ticket",
        "预订火车票",
        {
            "origin": Slot(("from", "origin", "出发地"), TEXT, values.city_zh),
            "destination": Slot(("to", "destination", "目的地"), TEXT, values.city_zh),
            "date": Slot(("date", "日期"), TEXT, values.date),
        },
        with_number_zh,
    ),
    skill(
        "contact",
        "create_contact add_contact",
        "保存联系人",
        {
            "person": Slot(
                ("person", "contact", "联系人"),
                {"type": "object", "properties": {"姓名": TEXT, "城市": TEXT}, "required": ["姓名", "城市"]},
                lambda draw: {"姓名": values.name_zh(draw), "城市": values.city_zh(draw)},
            )
        },
        done_zh,
    ),
]
