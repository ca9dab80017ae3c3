#!/usr/bin/env python3
"""Writes down what a tool sends: for a new version, or a call that no recording has yet.

    coding-tools/record.py "OpenCode" FOLDER ["PROMPT"] [MODEL]

Every request becomes a file in FOLDER, without keys, hosts, ids and long prose, in the form of the recordings in
`fixtures`. In the prompt, {workspace} stands for the folder the tool works in. To be run by the Python of the
suites, with `conformance` in PYTHONPATH.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from desk import Desk
from harness.coding_plan import CodingPlan
from harness.recorder import Recorder
from tools import TOOLS

PROMPT = (
    "Scripted task: write `{workspace}/hello.txt` with `amber lantern`, "
    "then run `cat {workspace}/hello.txt`, then tell me what it says."
)
PROSE_CHARS_MAX = 160
PROSE_CHARS_KEPT = 72
PLACEHOLDERS = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "{uuid}"),
    (re.compile(r"\bses_[A-Za-z0-9]+"), "{session_id}"),
    (re.compile(r"[0-9a-f]{64}"), "{device_id}"),
)


def main(name, target, prompt=PROMPT, *model):
    tool = next(tool for tool in TOOLS if tool.name == name)
    folder = Path(target)
    folder.mkdir(parents=True, exist_ok=True)
    running = CodingPlan(os.environ.get("AZIMUTH_BINARY"))
    with tempfile.TemporaryDirectory() as own, running as platform, Recorder(platform.base_url) as recorder:
        desk = Desk(Path(own), recorder.base_url, platform.subscriber().key)
        ended = tool.ask(desk, prompt.replace("{workspace}", str(desk.workspace)), *model)
        print(ended.output)
        hidden = {desk.key: "{api_key}", str(desk.workspace): "/workspace", str(desk.home): "~"}
        hidden |= {urlsplit(recorder.base_url).netloc: "{host}"}
        for number, request in enumerate(recorder.requests, 1):
            file = folder / f"{number:02}.json"
            file.write_text(json.dumps(recording(tool, request, hidden), indent=1, ensure_ascii=False) + "\n")
            print(f"{file}: {request['method']} {request['path']}, answered {request['status']}")


def recording(tool, request, hidden):
    """One recorded request, without what belongs to this machine."""
    address = urlsplit(request["path"])
    headers = {
        name: "{length}" if name.lower() == "content-length" else value for name, value in request["headers"].items()
    }
    written = {
        "client": tool.name,
        "request": {
            "method": request["method"],
            "path": address.path,
            "query": dict(parse_qsl(address.query)),
            "headers": headers,
            "body_bytes": len(request["raw"].encode()),
            "body": json.loads(request["raw"]) if request["raw"] else None,
        },
    }
    return redacted(written, hidden)


def redacted(value, hidden):
    """`value` with placeholders for what is secret or belongs to one run, and with its prose cut short."""
    if isinstance(value, dict):
        return {redacted(name, hidden): redacted(part, hidden) for name, part in value.items()}
    if isinstance(value, list):
        return [redacted(part, hidden) for part in value]
    if not isinstance(value, str):
        return value
    for text, placeholder in hidden.items():
        value = value.replace(text, placeholder)
    for pattern, placeholder in PLACEHOLDERS:
        value = pattern.sub(placeholder, value)
    if len(value) > PROSE_CHARS_MAX and " " in value and not value.startswith("{"):
        value = f"{value[:PROSE_CHARS_KEPT]} ... [{len(value)} characters]"
    return value


if __name__ == "__main__":
    main(*sys.argv[1:])
