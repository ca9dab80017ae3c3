"""Every tool, unmodified, in an empty home: it writes a file, runs a command, and says what it read."""

import pytest
from desk import read
from tools import LARGE, SMALL, TOOLS

WORDS = "amber lantern"


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.name for tool in TOOLS])
def test_a_file_is_written_and_read_back_and_the_plan_pays(tool, platform, desk):
    """ENDP-03, ENDP-05, USE-01"""
    file = desk.workspace / "hello.txt"
    task = f"Scripted task: write `{file}` with `{WORDS}`, then run `cat {file}`, then tell me what it says."

    ended = tool.ask(desk, task)

    assert ended.status == 0, ended.output
    assert (read(file) or "").strip() == WORDS, ended.output
    assert WORDS in ended.output
    records = platform.records(desk.account)
    assert {record["door"] for record in records} == {tool.door}
    assert {record["client"]["name"] for record in records} == {tool.seen_as}
    assert not any(record["client"]["is_plain_sdk"] for record in records)
    assert {record["ending"] for record in records} == {"finished"}
    models = {record["model"] for record in records}
    assert models in ({LARGE}, {LARGE, SMALL}), "usage names the model that answered, whatever was asked for"
    assert platform.used_prompts(desk.account) == len(records), "each call is taken of the plan once"
