"""What must hold for every dialogue that is drawn."""

import json
import random
import re

import jinja2
import pytest

from dialogues import rendering
from dialogues.draw import WORDINGS, Bank, plain
from dialogues.draw import banks as all_banks
from dialogues.knowledge import FACTS, QUESTIONS
from dialogues.mixture import draw_dialogue
from dialogues.rendering import instructions, messages_as_rendered, pieces

DIALOGUES = 4_000


def drawn(seed: int, count: int = DIALOGUES, **how):
    rng = random.Random(seed)
    return [draw_dialogue(rng, **how) for _ in range(count)]


def text(dialogue) -> str:
    return "".join(piece for piece, _ in pieces(dialogue))


def banks() -> list[Bank]:
    subjects = [path.stem for path in WORDINGS.glob("*.toml")]
    return [bank for subject in subjects for bank in all_banks(subject).values()] + list(QUESTIONS.values())


@pytest.fixture(scope="module")
def template():
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.from_string(rendering.TEMPLATE.read_text())


def test_the_same_seed_gives_the_same_dialogues():
    assert [text(one) for one in drawn(5, 500)] == [text(one) for one in drawn(5, 500)]
    assert [text(one) for one in drawn(5, 50)] != [text(one) for one in drawn(6, 50)]


def test_no_wording_is_both_trained_and_held_back():
    with pytest.raises(ValueError, match="both"):
        Bank("twice", ["a", "b"], ["b"])
    trained = {wording for one in drawn(1, 4 * DIALOGUES) for wording in one.wordings}
    held_back = {wording for bank in banks() for wording in bank.held_plain}
    assert len(held_back) > 250
    assert trained & held_back == set()


def test_an_evaluation_uses_held_back_wordings_only():
    held_back = {plain(wording) for bank in banks() for wording in bank.held}
    for dialogue in drawn(2, held_back=True):
        for wording in dialogue.wordings:
            assert any(each in wording for each in held_back)


def test_a_held_back_question_is_not_another_facts_trained_one():
    trained = {wording.lower() for fact in FACTS for wording in fact["asked"]}
    assert not [wording for fact in FACTS for wording in fact["held_back"] if wording.lower() in trained]
    assert len(QUESTIONS) == len(FACTS)


@pytest.mark.parametrize("held_back", [False, True])
def test_every_dialogue_is_what_the_template_makes_of_it(template, held_back):
    for dialogue in drawn(3, held_back=held_back):
        rendered = template.render(
            messages=messages_as_rendered(dialogue),
            tools=dialogue.tools or None,
            enable_thinking=dialogue.thinking,
            clear_thinking=True,
            add_generation_prompt=False,
        )
        # The template stops after the last answer; the model goes on to the token that ends it.
        assert text(dialogue) in (rendered + "<|user|>", rendered + "<|observation|>")


def test_thoughts_are_written_when_thinking_is_on_and_only_then():
    for dialogue in drawn(4):
        written = "".join(piece for piece, answer in pieces(dialogue) if answer is not None)
        assert ("</think>" in written) == dialogue.thinking
        assert "<think>" not in written


def test_every_answer_ends_with_the_token_that_hands_over():
    for dialogue in drawn(5):
        all_pieces = pieces(dialogue)
        for answer in dialogue.categories:
            last = [piece for piece, owner in all_pieces if owner == answer][-1]
            calls = dialogue.messages[answer].get("tool_calls")
            assert last == ("<|observation|>" if calls else "<|user|>")


def test_arguments_and_fields_are_copies_of_what_was_said():
    for dialogue in drawn(6):
        said = "\n".join(message["content"] for message in dialogue.messages if message["role"] == "user")
        for message in dialogue.messages:
            for call in message.get("tool_calls", []):
                for value in leaves(call["function"]["arguments"]):
                    assert is_copied(value, said), (value, said)
        if dialogue.response_format:
            for value in leaves(json.loads(dialogue.messages[-1]["content"])):
                assert is_copied(value, said), (value, said)


def test_calls_obey_the_tools_that_are_offered():
    for dialogue in drawn(7):
        tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in dialogue.tools}
        for message in dialogue.messages:
            for call in message.get("tool_calls", []):
                parameters = tools[call["function"]["name"]]
                arguments = call["function"]["arguments"]
                assert list(arguments) == [key for key in parameters["properties"] if key in arguments]
                assert set(parameters["required"]) <= set(arguments)


def test_markup_never_comes_from_a_value():
    allowed = r"</?(think|tools|tool_call|tool_response|arg_key|arg_value|sop|h1|session)>|<\|[a-z]+\|>"
    for dialogue in drawn(8):
        for message in dialogue.messages:
            assert not re.search(r"<\|", message["content"])
        assert not re.search(r"<[/|a-z]", re.sub(allowed, "", text(dialogue)))


def test_instructions_are_those_that_the_platform_gives():
    source = rendering.TEMPLATE.parents[1].joinpath("src/prompt/instructions.rs").read_text()
    source = re.sub(r"\\\n\s*", "", source).replace("\\n", "\n")
    for said in (rendering.JSON_OBJECT, rendering.JSON_SCHEMA, rendering.MUST_CALL, rendering.MUST_CALL_NAMED):
        assert said in source
    assert any(instructions(one) for one in drawn(9, 200))


def leaves(value) -> list:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def is_copied(value, said: str) -> bool:
    if isinstance(value, bool):
        return any(re.search(rf"\b{word}\b", said, re.I) for word in (("true", "on") if value else ("false", "off")))
    # A file's text is the said one in a program around it.
    lines = [line for line in re.split(r"[\n\"]|</?h1>|: |, |[{}]|^# ", str(value), flags=re.M) if line.strip(' "')]
    return str(value) in said or any(line in said for line in lines)
