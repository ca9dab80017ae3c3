"""Small files written with a coding tool's `Write`, and one sentence at the end."""

from __future__ import annotations

import json

from . import values
from .draw import Draw, banks
from .exchange import Dialogue, assistant, call, function, object_schema, tool_result, user
from .skill_list import SKILLS
from .skills import TEXT, tool
from .surface import request

BANKS = banks("files")

NAMES = ["Write", "write_file", "create_file", "save_file", "write", "WriteFile", "write_to_file"]
PATHS = ["file_path", "path", "filename", "filePath"]
CONTENTS = ["content", "contents", "text"]
DESCRIPTIONS = [
    "Write a file",
    "Writes a file to the local filesystem.",
    "Create a file with content",
    "Write content to a file at the path",
]

PLAIN = BANKS["plain file"]
PRINTS = BANKS["printing program"]
SETTINGS = BANKS["settings file"]
HEADINGS = BANKS["page"]
SYSTEMS = [
    "You are a coding assistant. Use the tools to do what the user asks.",
    "You are an interactive tool that helps with software tasks. Be concise.",
    "You are a coding agent working in the user's folder.",
    "Use the available tools. Keep answers short.",
]

# How a program that prints a text looks, by extension.
PROGRAMS = {
    "py": 'print("{text}")\n',
    "js": 'console.log("{text}");\n',
    "sh": '#!/bin/sh\necho "{text}"\n',
    "rb": 'puts "{text}"\n',
    "rs": 'fn main() {\n    println!("{text}");\n}\n',
    "go": 'package main\n\nimport "fmt"\n\nfunc main() {\n    fmt.Println("{text}")\n}\n',
}


def file_dialogue(draw: Draw) -> Dialogue:
    name, path_key, content_key = draw.one(NAMES), draw.one(PATHS), draw.one(CONTENTS)
    keys = [path_key, content_key]
    writer = function(name, draw.one(DESCRIPTIONS), object_schema({key: TEXT for key in keys}))
    tools = [writer]
    if draw.chance(0.4):
        other = [skill for skill in SKILLS if skill.key in ("read_file", "run", "list_files")]
        tools += [tool(draw, skill).declaration() for skill in draw.some(other, 1, 2)]
        draw.rng.shuffle(tools)
    said, path, content = draw.one([_plain, _plain, _program, _program, _settings, _page])(draw)

    messages = []
    if draw.chance(0.3):
        messages.append({"role": "system", "content": draw.one(SYSTEMS)})
    messages.append(user(said))
    dialogue = Dialogue(messages, {len(messages): "write a file"}, tools)
    messages.append(assistant("", f"I write {path}.", [call(name, {path_key: path, content_key: content})]))
    if draw.chance(0.85):
        result = draw.one(
            [
                "File created successfully at: {path}",
                "ok",
                "Wrote {path}",
                "The file {path} has been written.",
                "success",
                '{"ok": true}',
            ]
        )
        messages.append(tool_result(result.replace("{path}", path)))
        dialogue.categories[len(messages)] = "tool result"
        messages.append(assistant(f"I wrote {path}.", "The file is written."))
    return dialogue


def _with_extension(draw: Draw, extension: str) -> str:
    return values.path(draw).rsplit(".", 1)[0] + "." + extension


def _plain(draw: Draw) -> tuple[str, str, str]:
    path, text = values.path(draw), draw.one([values.sentence, values.topic, values.noise, values.phrase_zh])(draw)
    return draw.say(PLAIN, request, path=path, text=text), path, text + "\n"


def _program(draw: Draw) -> tuple[str, str, str]:
    extension = draw.weighted({"py": 4, "js": 2, "sh": 2, "rb": 1, "rs": 1, "go": 1})
    text = draw.one([values.topic, values.word, values.sentence, lambda _: "Hello, world!", lambda _: "Hello"])(draw)
    path = _with_extension(draw, extension)
    return draw.say(PRINTS, request, path=path, text=text), path, PROGRAMS[extension].replace("{text}", text)


def _settings(draw: Draw) -> tuple[str, str, str]:
    pairs = {values.word(draw): draw.one([values.word, values.whole_number])(draw) for _ in range(draw.between(1, 3))}
    is_json = draw.chance(0.5)
    path = _with_extension(draw, "json" if is_json else "yaml")
    content = json.dumps(pairs) if is_json else "\n".join(f"{key}: {value}" for key, value in pairs.items())
    told = ", ".join(f"{key} = {value}" for key, value in pairs.items())
    return draw.say(SETTINGS, request, path=path, pairs=told), path, content + "\n"


def _page(draw: Draw) -> tuple[str, str, str]:
    text, is_html = values.topic(draw), draw.chance(0.5)
    path = _with_extension(draw, "html" if is_html else "md")
    content = f"<h1>{text}</h1>\n" if is_html else f"# {text}\n"
    return draw.say(HEADINGS, request, path=path, text=text), path, content
