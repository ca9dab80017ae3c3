"""LangChain's OpenAI integration against a running Azimuth."""

import os
from typing import Literal

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

CITIES = ("Beijing", "Shanghai")


def chat(**settings):
    """A chat model without thinking or retries, with a limit that a toy model does not exceed for long."""
    defaults = {
        "model": os.environ.get("AZIMUTH_MODEL", "glm-4.7"),
        "base_url": os.environ["AZIMUTH_BASE_URL"] + "/api/paas/v4",
        "api_key": os.environ["AZIMUTH_API_KEY"],
        "max_tokens": 256,
        "max_retries": 0,
        "timeout": 120,
        "extra_body": {"thinking": {"type": "disabled"}},
    }
    return ChatOpenAI(**{**defaults, **settings})


@tool
def get_weather(city: Literal["Beijing", "Shanghai"]) -> str:
    """Get the current weather of a city."""
    return f"sunny in {city}"


class Weather(BaseModel):
    """The weather of a day."""

    sky: Literal["clear", "cloudy", "rainy"]
    windy: bool


def test_invoke_answers_with_text_and_usage():
    answer = chat(max_tokens=48).invoke("Say hello in one short sentence.")

    assert isinstance(answer, AIMessage)
    assert answer.text
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.usage_metadata["output_tokens"] > 0
    assert answer.response_metadata["finish_reason"] in ("stop", "length")


def test_stream_adds_up_to_one_message_with_usage():
    chunks = list(chat(max_tokens=48, stream_usage=True).stream("Say hello in one short sentence."))

    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert len(chunks) > 1
    assert whole.text
    assert whole.usage_metadata["output_tokens"] > 0, "usage was lost or doubled"
    assert whole.usage_metadata["total_tokens"] == (
        whole.usage_metadata["input_tokens"] + whole.usage_metadata["output_tokens"]
    )


@pytest.mark.parametrize("choice", ["get_weather", "required"])
def test_a_bound_tool_that_must_be_called_is_called(choice):
    model = chat().bind_tools([get_weather], tool_choice=choice)

    answer = model.invoke("What is the weather in Beijing right now?")
    assert answer.tool_calls[0]["name"] == "get_weather"
    assert answer.tool_calls[0]["args"]["city"] in CITIES
    assert not answer.invalid_tool_calls


def test_a_streamed_call_is_the_same_as_a_whole_one():
    model = chat().bind_tools([get_weather], tool_choice="get_weather")

    whole = None
    for chunk in model.stream("What is the weather in Beijing right now?"):
        whole = chunk if whole is None else whole + chunk
    assert [call["name"] for call in whole.tool_calls] == ["get_weather"]
    assert whole.tool_calls[0]["args"]["city"] in CITIES


def test_a_tool_result_leads_to_an_answer():
    question = HumanMessage("What is the weather in Beijing right now?")
    call = chat().bind_tools([get_weather], tool_choice="get_weather").invoke([question])
    result = get_weather.invoke(call.tool_calls[0])
    assert isinstance(result, ToolMessage)

    answer = chat().bind_tools([get_weather], tool_choice="none").invoke([question, call, result])
    assert not answer.tool_calls


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output_is_an_object_of_the_asked_type(method):
    model = chat().with_structured_output(Weather, method=method)

    assert isinstance(model.invoke("Describe the weather of a summer day."), Weather)


def test_an_unknown_model_raises_the_sdk_error_with_the_platform_code():
    with pytest.raises(openai.BadRequestError) as raised:
        chat(model="no-such-model-xyz").invoke("Hello")
    assert raised.value.code == "1211"
