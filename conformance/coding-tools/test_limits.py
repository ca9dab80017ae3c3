"""What the tools do when something runs out: the window, the quota, or the key."""

import pytest
from desk import read
from tools import NARROW, TOOLS, claude_code, opencode

# Longer than any tool needs to start on a busy machine, and shorter than those need that try again and again.
STOPPED_SECONDS_MAX = 45
BY_NAME = {tool.name: tool for tool in TOOLS}
PROMPT = "Scripted task: write `hello.txt` with `amber`, then tell me what it says."

# Sits still between its six tries, whatever a server says: the only one that takes longer than seconds.
OPENCODE_SECONDS_MAX = 150


@pytest.mark.parametrize("ask", [opencode, claude_code], ids=["OpenCode", "Claude Code"])
def test_a_conversation_that_outgrows_the_window_is_compacted_and_goes_on(ask, platform, desk):
    """Each command prints about a quarter of the window."""
    file = desk.workspace / "after.txt"
    commands = ", then ".join(f"run `seq {thousand}000 {thousand + 1}999`" for thousand in range(1, 5))

    task = f"Scripted task: {commands}, then write `{file}` with `compacted`, then tell me what it says."
    refused_before = platform.model.overlong

    ended = ask(desk, task, NARROW)

    assert (read(file) or "").strip() == "compacted", ended.output
    assert platform.model.overlong > refused_before
    assert {record["ending"] for record in platform.records(desk.account)} == {"finished"}, "a refusal is not metered"


@pytest.mark.parametrize("name", ["Claude Code", "Claude Code 2.0", "Grok CLI"])
def test_a_quota_that_is_used_up_stops_the_tool_with_its_reason(name, exhausted_desk):
    """QUOTA-03"""
    ended = BY_NAME[name].ask(exhausted_desk, PROMPT)

    assert ended.seconds < STOPPED_SECONDS_MAX
    assert "Your limit will reset at 20" in ended.output


def test_a_quota_that_is_used_up_stops_opencode_in_the_end(exhausted_desk):
    ended = opencode(exhausted_desk, PROMPT, seconds_max=OPENCODE_SECONDS_MAX)

    assert ended.status == 1
    assert "Your limit will reset at 20" in ended.output


# aider and Grok CLI end with status 0 whatever happened.
@pytest.mark.parametrize(
    "name", ["Claude Code", "Claude Code 2.0", "OpenCode", "Cline", "Factory Droid, Anthropic", "Grok CLI"]
)
def test_a_wrong_key_stops_the_tool_in_seconds(name, strange_desk):
    ended = BY_NAME[name].ask(strange_desk, PROMPT)

    assert ended.status is not None and ended.seconds < STOPPED_SECONDS_MAX, ended.output
    assert ended.status != 0 or name == "Grok CLI", ended.output
