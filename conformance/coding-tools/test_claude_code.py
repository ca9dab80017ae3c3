"""Claude Code's own ways of using the door, one by one."""

import json
import struct
import zlib

import pytest
from desk import read
from tools import LARGE, SMALL, claude_code, claude_environment

DONE = "then tell me what it says."


@pytest.mark.parametrize(
    ("asked", "answering"),
    [("haiku", SMALL), ("sonnet", LARGE), ("glm-4.7", LARGE), ("GLM-4.5-Air", SMALL)],
)
def test_names_lead_to_the_platforms_models(asked, answering, platform, desk):
    """ENDP-07"""
    ended = claude_code(desk, f"Scripted task: run `echo amber`, {DONE}", asked)

    assert ended.status == 0, ended.output
    assert "It says: amber" in ended.output
    assert {record["model"] for record in platform.records(desk.account)} == {answering}


def test_an_api_key_opens_the_door_as_well(desk):
    environment = {"ANTHROPIC_AUTH_TOKEN": "", **claude_environment(desk, "ANTHROPIC_API_KEY")}
    ended = claude_code(desk, f"Scripted task: run `echo amber`, {DONE}", environment=environment)

    assert ended.status == 0, ended.output
    assert "It says: amber" in ended.output


def test_two_tools_in_one_turn_both_run(desk):
    first, second = desk.workspace / "a.txt", desk.workspace / "b.txt"
    ended = claude_code(desk, f"Scripted task: write `{first}` with `amber` and write `{second}` with `teal`, {DONE}")

    assert ended.status == 0, ended.output
    assert (read(first), read(second)) == ("amber", "teal")


def test_a_picture_for_a_model_that_sees_none_does_not_end_the_conversation(platform, desk):
    (desk.workspace / "dot.png").write_bytes(png_of_one_dot())
    ended = claude_code(desk, f"Scripted task: read `{desk.workspace}/dot.png`, then run `echo amber`, {DONE}")

    assert ended.status == 0, ended.output
    assert "It says: amber" in ended.output
    assert "this model cannot see pictures" in json.dumps(platform.model.requests[-1]["messages"])


def test_a_pdf_that_was_read_reaches_the_model_as_text(platform, desk):
    (desk.workspace / "note.pdf").write_bytes(pdf_that_says("teal curtain"))
    ended = claude_code(desk, f"Scripted task: read `{desk.workspace}/note.pdf`, then run `echo amber`, {DONE}")

    assert ended.status == 0, ended.output
    assert "It says: amber" in ended.output
    assert "teal curtain" in json.dumps(platform.model.requests[-1]["messages"])


def test_a_sub_agent_does_its_part(platform, desk):
    ended = claude_code(desk, f"Scripted task: delegate `echo from-the-agent`, {DONE}")

    assert ended.status == 0, ended.output
    assert "from-the-agent" in ended.output
    assert len(platform.records(desk.account)) >= 4, "two turns of the agent, two of who sent it"


def test_a_json_schema_gives_an_object(desk):
    schema = {"type": "object", "properties": {"is_warm": {"type": "boolean"}}, "required": ["is_warm"]}
    ended = claude_code(
        desk, "Is red a warm color?", flags=("--json-schema", json.dumps(schema), "--output-format", "json")
    )

    assert ended.status == 0, ended.output
    assert json.loads(ended.output)["structured_output"] == {"is_warm": False}


def test_a_conversation_is_resumed_and_compacted(platform, desk):
    first = claude_code(desk, f"Scripted task: run `echo amber`, {DONE}", flags=("--output-format", "json"))
    session = json.loads(first.output)["session_id"]

    resumed = claude_code(desk, f"Scripted task: run `echo teal`, {DONE}", flags=("--resume", session))
    assert "It says: teal" in resumed.output
    asked = platform.model.requests[-1]["messages"]
    assert any("echo amber" in json.dumps(message) for message in asked), "what was said before is still there"

    compacted = claude_code(desk, "/compact", flags=("--resume", session))
    assert compacted.status == 0, compacted.output


def test_the_context_meter_asks_for_counts(desk):
    ended = claude_code(desk, "/context")

    assert ended.status == 0, ended.output
    assert "Context Usage" in ended.output


def png_of_one_dot():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\0\xff\x80\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


def pdf_that_says(text):
    page = f"BT /F1 24 Tf 20 100 Td ({text}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
