"""What tools return, and the sentence in which the model tells it."""

from __future__ import annotations

import json

from . import values
from .draw import Draw


def compact(value) -> str:
    return json.dumps(value, ensure_ascii=False)


def done(draw: Draw, _: dict) -> tuple[str, str]:
    return draw.one(["ok", "done", "success", '{"ok": true}', '{"status": "ok"}', "true"]), "Done."


def with_number(draw: Draw, _: dict) -> tuple[str, str]:
    """The tool gives back a number or code for what it made."""
    made = draw.one([values.code, values.whole_number])(draw)
    return compact({draw.one(["id", "number", "reference"]): made}), f"Done. The number is {made}."


def weather(draw: Draw, drawn: dict) -> tuple[str, str]:
    sky, degrees = (
        draw.one(["sunny", "rainy", "cloudy", "windy", "snowy", "foggy", "clear", "stormy"]),
        draw.between(-15, 40),
    )
    result = draw.one(
        [
            compact({"weather": sky, "temperature": degrees}),
            compact({"temperature": degrees, "condition": sky}),
            f"{sky}, {degrees} degrees",
            f"{degrees} C, {sky}",
        ]
    )
    return result, f"It is {sky} in {drawn['city']}, {degrees} degrees."


def weather_zh(draw: Draw, drawn: dict) -> tuple[str, str]:
    sky, degrees = draw.one(["晴", "多云", "小雨", "大雪", "阴", "有风"]), draw.between(-15, 40)
    result = draw.one(
        [
            compact({"天气": sky, "温度": degrees}),
            f"{sky}，{degrees}度",
            compact({"weather": sky, "temperature": degrees}),
        ]
    )
    return result, f"{drawn['city']}{sky}，{degrees} 度。"


def clock(draw: Draw, drawn: dict) -> tuple[str, str]:
    now = values.time(draw)
    return draw.one(
        [now, compact({"time": now})]
    ), f"It is {now} in {drawn['city']}." if "city" in drawn else f"It is {now}."


def found(draw: Draw, drawn: dict) -> tuple[str, str]:
    text, link = values.sentence(draw), values.url(draw)
    return compact([{"title": text, "link": link}]), f"I found: {text} ({link})"


def amount(draw: Draw, drawn: dict) -> tuple[str, str]:
    value = draw.one([values.decimal, values.whole_number])(draw)
    return draw.one([str(value), compact({"result": value}), compact({"value": value})]), f"The result is {value}."


def price(draw: Draw, drawn: dict) -> tuple[str, str]:
    value = values.decimal(draw)
    return draw.one([compact({"price": value}), str(value)]), f"The price of {drawn['thing']} is {value}."


def file_text(draw: Draw, drawn: dict) -> tuple[str, str]:
    text = draw.one([values.sentence, values.topic, values.noise])(draw)
    return text, f"It says: {text}"


def output(draw: Draw, drawn: dict) -> tuple[str, str]:
    text = draw.one([values.sentence, values.file_name, values.noise, values.code])(draw)
    return text, f"The output is: {text}"


def person(draw: Draw, drawn: dict) -> tuple[str, str]:
    mail = values.email(draw)
    return compact({"name": drawn["name"], "email": mail}), f"{drawn['name']} has the address {mail}."


def translated(draw: Draw, drawn: dict) -> tuple[str, str]:
    text = values.noise(draw)
    return text, text


def found_zh(draw: Draw, drawn: dict) -> tuple[str, str]:
    text = values.phrase_zh(draw)
    return compact([{"title": text}]), f"我找到了：{text}"


def done_zh(draw: Draw, _: dict) -> tuple[str, str]:
    return draw.one(["ok", "成功", "done"]), "好了。"


def with_number_zh(draw: Draw, _: dict) -> tuple[str, str]:
    made = values.code(draw)
    return compact({"id": made}), f"好了，编号是 {made}。"
