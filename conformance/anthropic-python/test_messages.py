"""The official Anthropic SDK for Python against a running Azimuth."""

import os

import anthropic
import pytest
from pydantic import BaseModel

MODEL = os.environ.get("AZIMUTH_MODEL", "glm-4.7")
HELLO = [{"role": "user", "content": "Say hello in one short sentence."}]
WITHOUT_THINKING = {"type": "disabled"}
WEATHER = {
    "name": "get_weather",
    "description": "Get the current weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Beijing", "Shanghai"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
ASK_FOR_WEATHER = [{"role": "user", "content": "What is the weather in Beijing right now?"}]


def client_with(**settings):
    defaults = {
        "base_url": os.environ["AZIMUTH_BASE_URL"] + "/api/anthropic",
        "api_key": os.environ["AZIMUTH_API_KEY"],
        "max_retries": 0,
        "timeout": 120,
    }
    return anthropic.Anthropic(**{**defaults, **settings})


@pytest.fixture
def client():
    return client_with()


def ask(client, **settings):
    defaults = {"model": MODEL, "max_tokens": 48, "messages": HELLO, "thinking": WITHOUT_THINKING}
    return client.messages.create(**{**defaults, **settings})


def test_create_answers_with_a_message(client):
    message = ask(client)
    assert message.type == "message" and message.role == "assistant"
    assert message.id.startswith("msg_") and message.model == MODEL
    assert message.content[0].type == "text" and message.content[0].text.strip()
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.input_tokens + message.usage.cache_read_input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message._request_id in message.id, "the request's id is in the header and in the message's"


def test_a_bearer_token_opens_the_door_as_well():
    client = client_with(api_key=None, auth_token=os.environ["AZIMUTH_API_KEY"])
    assert ask(client).content


def test_claude_names_lead_to_models_of_the_platform(client):
    assert ask(client, model="claude-sonnet-4-5-20250929").model == "glm-4.7"
    assert ask(client, model="claude-haiku-4-5-20251001").model == "glm-4.5-air"


def test_the_helper_puts_a_stream_together(client):
    with client.messages.stream(model=MODEL, max_tokens=48, messages=HELLO, thinking=WITHOUT_THINKING) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == message.content[0].text
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.output_tokens > 0


def test_a_stream_says_the_size_of_the_prompt_at_once_and_names_its_events_in_order(client):
    events = list(ask(client, stream=True))
    kinds = [event.type for event in events if event.type != "ping"]
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1
    start, end = events[0].message.usage, events[-2].usage
    assert start.input_tokens + start.cache_read_input_tokens > 0
    assert start.input_tokens + start.cache_read_input_tokens == end.input_tokens + end.cache_read_input_tokens


def test_thinking_comes_first_and_goes_back_as_it_came(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = ask(client, max_tokens=512, thinking=thinking)
    assert first.content[0].type == "thinking" and first.content[0].thinking.strip()
    assert isinstance(first.content[0].signature, str)

    history = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "Hello again!"}]
    assert ask(client, messages=history, max_tokens=512, thinking=thinking).content


def test_a_streamed_thinking_block_ends_with_its_signature(client):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(model=MODEL, max_tokens=512, messages=HELLO, thinking=thinking) as stream:
        deltas = [event.delta.type for event in stream if event.type == "content_block_delta"]
        block = stream.get_final_message().content[0]
    assert block.type == "thinking" and block.signature
    assert deltas.count("signature_delta") == 1
    assert deltas.index("signature_delta") == deltas.count("thinking_delta")


@pytest.mark.parametrize("choice", [{"type": "tool", "name": "get_weather"}, {"type": "any"}])
def test_a_tool_that_must_be_called_is_called(client, choice):
    message = ask(client, messages=ASK_FOR_WEATHER, tools=[WEATHER], tool_choice=choice, max_tokens=256)
    call = next(block for block in message.content if block.type == "tool_use")
    assert message.stop_reason == "tool_use"
    assert call.name == "get_weather" and call.input["city"] in ("Beijing", "Shanghai")

    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns = [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    answer = ask(client, messages=[*ASK_FOR_WEATHER, *turns], tools=[WEATHER], tool_choice={"type": "none"})
    assert all(block.type == "text" for block in answer.content)


def test_a_streamed_call_has_one_object_as_its_arguments(client):
    choice = {"type": "tool", "name": "get_weather"}
    asked = {"messages": ASK_FOR_WEATHER, "tools": [WEATHER], "tool_choice": choice, "thinking": WITHOUT_THINKING}
    with client.messages.stream(model=MODEL, max_tokens=256, **asked) as stream:
        call = next(block for block in stream.get_final_message().content if block.type == "tool_use")
    assert call.input["city"] in ("Beijing", "Shanghai")


def test_parse_returns_an_object_of_the_asked_type(client):
    class Color(BaseModel):
        is_warm: bool

    asked = {"model": MODEL, "max_tokens": 256, "messages": [{"role": "user", "content": "Is red a warm color? JSON."}]}
    parsed = client.messages.parse(**asked, thinking=WITHOUT_THINKING, output_format=Color)
    assert isinstance(parsed.parsed_output, Color)


def test_count_tokens_counts_what_the_model_then_reads(client):
    counted = client.messages.count_tokens(model=MODEL, messages=HELLO, thinking=WITHOUT_THINKING)
    usage = ask(client).usage
    assert counted.input_tokens == usage.input_tokens + usage.cache_read_input_tokens


def test_models_are_listed_page_by_page_and_found_by_name(client):
    every = [model.id for model in client.models.list(limit=2)]
    assert MODEL in every and len(every) == len(set(every)) > 2
    model = client.models.retrieve(MODEL)
    assert model.id == MODEL and model.type == "model" and model.display_name and model.created_at


def test_a_stop_sequence_ends_the_answer_and_is_named(client):
    greedy = {"extra_body": {"temperature": 0}}
    text = ask(client, **greedy).content[0].text
    stop = text[3:6]
    message = ask(client, stop_sequences=["never said", stop], **greedy)
    assert message.stop_reason == "stop_sequence" and message.stop_sequence == stop
    assert message.content[0].text == text[: text.index(stop)]


@pytest.mark.parametrize(
    ("settings", "asked", "expected"),
    [
        ({"api_key": "0" * 32 + "." + "0" * 16}, {}, anthropic.AuthenticationError),
        ({}, {"model": "no-such-model-xyz"}, anthropic.BadRequestError),
        ({}, {"messages": []}, anthropic.BadRequestError),
    ],
    ids=["wrong key", "unknown model", "no messages"],
)
def test_refusals_are_the_sdk_exceptions_of_their_status(settings, asked, expected):
    with pytest.raises(expected) as refused:
        ask(client_with(**settings), **asked)
    assert refused.value.body["type"] == "error"
    assert refused.value.request_id


def test_an_unknown_model_id_is_not_found(client):
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("no-such-model-xyz")


def test_an_unknown_route_is_not_found(client):
    with pytest.raises(anthropic.NotFoundError):
        client.post("/v1/complete", cast_to=object, body={})


def test_a_wrong_key_is_not_tried_again():
    stranger = client_with(api_key="0" * 32 + "." + "0" * 16, max_retries=2)
    with pytest.raises(anthropic.AuthenticationError) as refused:
        ask(stranger)
    assert refused.value.response.headers["x-should-retry"] == "false"
