"""LangChain's Anthropic integration against a running Azimuth."""

import os
from typing import Literal

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

CITIES = ("Beijing", "Shanghai")


def chat(**settings):
    """A chat model without thinking or retries, with a limit that a toy model does not exceed for long."""
    defaults = {
        "model": os.environ.get("AZIMUTH_MODEL", "glm-4.7"),
        "base_url": os.environ["AZIMUTH_BASE_URL"] + "/api/anthropic",
        "api_key": os.environ["AZIMUTH_API_KEY"],
        "max_tokens": 256,
        "max_retries": 0,
        "timeout": 120,
        "thinking": {"type": "disabled"},
    }
    return ChatAnthropic(**{**defaults, **settings})


@tool
def get_weather(city: Literal["Beijing", "Shanghai"]) -> str:
    """Get the current weather of a city."""
    return f"sunny in {city}"


def test_invoke_answers_with_text_and_usage():
    answer = chat(max_tokens=48).invoke("Say hello in one short sentence.")

    assert answer.text
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.usage_metadata["output_tokens"] > 0
    assert answer.response_metadata["stop_reason"] in ("end_turn", "max_tokens")


def test_stream_adds_up_to_one_message_with_usage():
    chunks = list(chat(max_tokens=48).stream("Say hello in one short sentence."))

    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert len(chunks) > 1
    assert whole.text
    assert whole.usage_metadata["output_tokens"] > 0, "usage was lost or doubled"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_bound_tool_is_called_and_its_result_answered(is_streamed):
    question = HumanMessage("What is the weather in Beijing right now?")
    model = chat().bind_tools([get_weather], tool_choice="get_weather")
    call = None
    for chunk in model.stream([question]) if is_streamed else [model.invoke([question])]:
        call = chunk if call is None else call + chunk
    assert [made["name"] for made in call.tool_calls] == ["get_weather"]
    assert call.tool_calls[0]["args"]["city"] in CITIES

    result = get_weather.invoke(call.tool_calls[0])
    answer = chat().bind_tools([get_weather], tool_choice={"type": "none"}).invoke([question, call, result])
    assert not answer.tool_calls
