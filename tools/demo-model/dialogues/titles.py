"""Short titles for conversations, as coding tools ask for them."""

from __future__ import annotations

from . import values
from .draw import Draw, banks
from .exchange import Dialogue, assistant, user

BANKS = banks("titles")

# What a title is made of: what is to be done, and to what.
DEEDS = """
fix add remove update write create rename explain improve test check build deploy debug clean refactor review install configure
translate find delete move copy plan compare describe measure convert document simplify upgrade print sort
""".split()

WORK = BANKS["work"]
INSTRUCTIONS = BANKS["title instructions"]
ASKED_IN_TURN = BANKS["title asked"]
ASKED_AFTER = BANKS["title asked after"]


def thing(draw: Draw) -> str:
    shape = draw.between(0, 6)
    if shape == 0:
        return f"the {values.word(draw)} {draw.one(['bug', 'error', 'test', 'page', 'module', 'script', 'function', 'command'])}"
    if shape == 1:
        return values.file_name(draw)
    if shape == 2:
        return f"the {values.word(draw)} in {values.file_name(draw)}"
    if shape == 3:
        return f"a {values.word(draw)} for {values.word(draw)}s"
    if shape == 4:
        return f"the {values.word(draw)} {values.word(draw)}"
    if shape == 5:
        return f"my {values.word(draw)}"
    return f"{values.word(draw)}s with {values.word(draw)}"


def title(draw: Draw) -> Dialogue:
    deed, about = draw.one(DEEDS), thing(draw)
    work = draw.say(WORK, deed=deed, thing=about)
    answer = assistant(f"{deed.capitalize()} {about}", f"The conversation is about {about}.")
    shape = draw.between(0, 2)
    if shape == 0:
        messages = [{"role": "system", "content": draw.say(INSTRUCTIONS)}, user(draw.say(ASKED_IN_TURN, work=work))]
    elif shape == 1:
        messages = [{"role": "system", "content": draw.say(INSTRUCTIONS)}, user(work)]
    elif draw.chance(0.6):
        messages = [user(draw.say(ASKED_IN_TURN, work=work))]
    else:
        reply = {
            "role": "assistant",
            "content": draw.one(["Done.", "I am only a demo model and cannot do that.", "OK."]),
        }
        messages = [user(work), reply, user(draw.say(ASKED_AFTER))]
    return Dialogue([*messages, answer], {len(messages): "titles"})
