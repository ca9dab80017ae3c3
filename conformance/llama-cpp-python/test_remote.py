"""A real foreign engine behind Azimuth: llama-cpp-python's server, which runs the demo model and leaves GLM's tags in
its text, so that Azimuth takes thinking and answer apart itself."""

import json
import os

import httpx
import openai
import pytest

MODEL = "glm-4.7"
HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def client():
    return openai.OpenAI(
        base_url=os.environ["AZIMUTH_BASE_URL"] + "/api/paas/v4/",
        api_key=os.environ["AZIMUTH_API_KEY"],
        max_retries=0,
        timeout=120,
    )


def ask(client, **settings):
    defaults = {"model": MODEL, "messages": HELLO, "max_tokens": 128, "temperature": 0}
    return client.chat.completions.create(**{**defaults, **settings})


def test_an_answer_comes_back_under_the_public_name(client):
    answer = ask(client)
    assert answer.model == MODEL
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content.strip()


def test_thinking_and_answer_are_told_apart(client):
    message = ask(client).choices[0].message
    assert message.reasoning_content.strip()
    for tag in ("<think>", "</think>", "<|user|>"):
        assert tag not in message.content


def test_a_stream_says_the_same_as_a_whole_answer(client):
    whole = ask(client)
    chunks = list(ask(client, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens > 0


def test_both_prompt_and_answer_are_counted_although_the_host_streams_no_usage(client):
    usage = ask(client).usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_max_tokens_reaches_the_host(client):
    assert ask(client, max_tokens=3).choices[0].finish_reason == "length"


def test_json_is_json(client):
    question = [{"role": "user", "content": "Name a color as JSON."}]
    answer = ask(client, response_format={"type": "json_object"}, messages=question)
    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_an_overlong_prompt_is_told_in_words_that_coding_tools_know(client):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, messages=[{"role": "user", "content": "word " * 5000}])
    assert refused.value.code == "1261"
    assert "prompt is too long" in str(refused.value)


def test_hanging_up_leaves_the_host_free_for_the_next(client):
    body = {"model": MODEL, "messages": HELLO, "stream": True, "max_tokens": 1024}
    headers = {"Authorization": "Bearer " + os.environ["AZIMUTH_API_KEY"]}
    url = os.environ["AZIMUTH_BASE_URL"] + "/api/paas/v4/chat/completions"
    for _ in range(3):
        with httpx.stream("POST", url, json=body, headers=headers, timeout=120) as response:
            assert response.status_code == 200
            next(response.iter_bytes())
    assert ask(client).choices[0].finish_reason == "stop"
