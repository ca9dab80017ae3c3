"""From dialogues to batches: the tokenizer's promises, and that what is trained is what the model writes."""

import json

import numpy as np
import pytest
import torch

from batches import collate, encode, stream
from dialogues.exchange import Dialogue, assistant, user
from grading import grade, public_messages
from train_tokenizer import corpus, value_words
from vocabulary import train


@pytest.fixture(scope="module")
def tokenizer():
    return train(corpus(1_500, seed=1), size=2_600, spaced=300, values=value_words())


def ids(tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def test_every_number_up_to_999_is_one_token(tokenizer):
    for number in [*range(1000), "007", "00"]:
        assert len(ids(tokenizer, str(number))) == 1
    assert [tokenizer.decode([token]) for token in ids(tokenizer, "1234567")] == ["123", "456", "7"]


@pytest.mark.parametrize("value", ["Paris", "Zorvik", "北京", "x-7/q_y.txt", "Ulaanbaatar"])
def test_a_value_has_the_same_tokens_wherever_it_stands(tokenizer, value):
    alone = ids(tokenizer, value)
    for before in (" ", "in ", '"', ">", "x: "):
        assert ids(tokenizer, before + value)[-len(alone) :] == alone
        assert tokenizer.decode(ids(tokenizer, before + value)) == before + value


def test_markup_is_single_tokens_and_never_part_of_a_merge(tokenizer):
    assert len(ids(tokenizer, "<|user|><tool_call><arg_key></arg_key></tool_call><|observation|>")) == 6


def test_only_what_the_model_writes_is_trained(tokenizer):
    dialogue = Dialogue(
        [user("say yes"), assistant("yes", "I say yes."), user("again"), assistant("yes yes", "Again.")], {}
    )
    dialogue.thinking = True
    batch = collate([encode(tokenizer, dialogue), encode(tokenizer, Dialogue([user("x"), assistant("y", "")], {}))])
    written = tokenizer.decode(batch.wanted.tolist(), skip_special_tokens=False)
    assert written == "yes<|user|>Again.</think>yes yes<|user|>y<|user|>"
    before = batch.tokens.ravel()[batch.where]
    assert torch.equal(batch.tokens.ravel()[batch.where + 1], batch.wanted)
    assert "<|user|>" not in tokenizer.decode(before.tolist(), skip_special_tokens=False)


def test_a_stopped_training_goes_on_with_the_next_draw(tokenizer):
    whole = stream(tokenizer, 1, 0, 1024, lambda: 1.0)
    first_of_draw_one = next(batch for draw, batch in whole if draw == 1)
    _, resumed = next(stream(tokenizer, 1, 1, 1024, lambda: 1.0))
    assert np.array_equal(resumed.tokens, first_of_draw_one.tokens)


def reply(content="", calls=(), reason="stop", reasoning=None) -> dict:
    message = {"content": content, "tool_calls": list(calls), "reasoning_content": reasoning}
    return {"choices": [{"message": message, "finish_reason": reason}]}


def test_an_answer_is_right_only_if_it_is_exact_stops_and_thinks_as_asked():
    dialogue = Dialogue([user("say yes"), assistant("yes", "I say yes.")], {1: "copying"}, thinking=True)
    assert grade(dialogue, 1, reply("yes", reasoning="Hm.")).is_right
    for wrong in (
        reply("yes"),
        reply("yes!", reasoning="Hm."),
        reply("yes", reason="length", reasoning="Hm."),
        {"error": {}},
    ):
        assert not grade(dialogue, 1, wrong).is_right


def test_calls_are_compared_by_value():
    made = {"type": "function", "function": {"name": "f", "arguments": {"a": {"b": 1}, "c": "x"}}}
    dialogue = Dialogue([user("f"), assistant("", "I call f.", [made])], {1: "tool call"})
    for arguments, is_right in (({"c": "x", "a": {"b": 1}}, True), ({"a": {"b": 2}, "c": "x"}, False)):
        call = {"function": {"name": "f", "arguments": json.dumps(arguments)}}
        assert grade(dialogue, 1, reply(calls=[call], reason="tool_calls")).is_right == is_right


def test_clients_send_results_with_the_id_of_their_call():
    made = {"type": "function", "function": {"name": "f", "arguments": {}}}
    messages = [
        user("f"),
        assistant("", "I call f.", [made, made]),
        {"role": "tool", "content": "1"},
        {"role": "tool", "content": "2"},
    ]
    sent = public_messages(Dialogue([*messages, assistant("3", "")], {4: "tool result"}), 4)
    assert [each["id"] for each in sent[1]["tool_calls"]] == [sent[2]["tool_call_id"], sent[3]["tool_call_id"]]
