#!/usr/bin/env python3
"""Asks a running Azimuth fresh, held-back questions, and says how many of the answers are right.

    evaluate.py --base-url http://127.0.0.1:8787/api/paas/v4 --api-key KEY [--model azimuth-demo] [--json FILE]

Every case is one request through the public HTTP door, greedy and not streamed. Its wording was never trained on,
and its values are new. Where tools or a response format are in the request, the server holds the answer to a grammar.

Exit code 1 if fewer than `--at-least` per cent are right.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import sys
import time
import urllib.error
import urllib.request

from dialogues.exchange import Dialogue
from dialogues.mixture import draw_dialogue
from grading import Verdict, grade, request_body

SEED = 30_000_001
TIMEOUT_SECONDS = 300
MISTAKES_SHOWN = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", required=True, help="up to and including /api/paas/v4")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--model", default="azimuth-demo")
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--at-once", type=int, default=4, help="requests at the same time")
    parser.add_argument("--at-least", type=float, default=0.0, help="per cent that must be right")
    parser.add_argument("--json", type=pathlib.Path, help="also write everything to this file")
    arguments = parser.parse_args()

    cases = draw_cases(arguments.cases, arguments.seed)
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        verdicts = list(pool.map(lambda case: examine(arguments, *case), cases))
    report = summarise(verdicts, time.monotonic() - begun)
    print_table(report, verdicts)
    if arguments.json:
        full = report | {"model": arguments.model, "seed": arguments.seed, "cases": [vars(each) for each in verdicts]}
        arguments.json.write_text(json.dumps(full, ensure_ascii=False, indent=1) + "\n")
    return 0 if report["all"]["percent"] >= arguments.at_least else 1


def draw_cases(count: int, seed: int) -> list[tuple[Dialogue, int]]:
    """Dialogues with the answer that is asked for: one of those after the last thing the user said."""
    rng = random.Random(seed)
    cases = []
    while len(cases) < count:
        dialogue = draw_dialogue(rng, held_back=True)
        last_user = max(at for at, message in enumerate(dialogue.messages) if message["role"] == "user")
        asked = [answer for answer in dialogue.categories if answer > last_user]
        cases.append((dialogue, rng.choice(asked)))
    return cases


def examine(arguments, dialogue: Dialogue, answer: int) -> Verdict:
    body = request_body(dialogue, answer, arguments.model)
    request = urllib.request.Request(
        f"{arguments.base_url.rstrip('/')}/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {arguments.api_key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            reply = json.load(response)
    except urllib.error.HTTPError as error:
        if error.code == 401:
            sys.exit("the key is refused")
        reply = {"error": error.read().decode(errors="replace")}
    except OSError as error:
        sys.exit(f"no answer from {arguments.base_url}: {error}")
    return grade(dialogue, answer, reply)


def summarise(verdicts: list[Verdict], seconds: float) -> dict:
    def share(of: list[bool]) -> dict:
        return {"right": sum(of), "of": len(of), "percent": round(100 * sum(of) / max(1, len(of)), 1)}

    names = sorted({each.category for each in verdicts})
    tokens = sum(each.completion_tokens for each in verdicts)
    return {
        "all": share([each.is_right for each in verdicts]),
        "categories": {name: share([each.is_right for each in verdicts if each.category == name]) for name in names},
        "thinks when asked and only then": share([each.thinks_as_asked for each in verdicts]),
        "stops by itself": share([each.stops for each in verdicts]),
        "seconds": round(seconds, 1),
        "completion_tokens": tokens,
    }


def print_table(report: dict, verdicts: list[Verdict]):
    def row(name: str, share: dict):
        print(f"| {name} | {share['right']} of {share['of']} | {share['percent']:.0f} % |")

    print("| category | right | |\n| --- | --- | --- |")
    row("**all**", report["all"])
    for name, share in report["categories"].items():
        row(name, share)
    for name in ("thinks when asked and only then", "stops by itself"):
        row(f"*{name}*", report[name])
    print(f"\n{report['completion_tokens']} tokens in {report['seconds']} s")
    shown: dict[str, int] = {}
    for each in verdicts:
        shown[each.category] = shown.get(each.category, 0) + (not each.is_right)
        if not each.is_right and shown[each.category] <= MISTAKES_SHOWN:
            print(f"\n{each.category}: {each.asked!r}\n  wanted {each.wanted!r}\n  got    {each.got!r}")


if __name__ == "__main__":
    sys.exit(main())
