"use strict";

const OpenAI = require("openai");

/** A client of the server under test, without retries: a failure should be seen the first time. */
function client(overrides = {}) {
  return new OpenAI({
    apiKey: process.env.AZIMUTH_API_KEY,
    baseURL: `${process.env.AZIMUTH_BASE_URL}/api/paas/v4`,
    maxRetries: 0,
    timeout: 120_000,
    ...overrides,
  });
}

const MODEL = process.env.AZIMUTH_MODEL ?? "glm-4.7";

/** A short question, without thinking, so that a toy model is done soon. */
const QUESTION = {
  model: MODEL,
  messages: [{ role: "user", content: "Say hello in one short sentence." }],
  max_tokens: 48,
  thinking: { type: "disabled" },
};

/** A tool whose arguments are a choice, so that whatever the model draws is a valid call. */
const WEATHER_TOOL = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the current weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string", enum: ["Beijing", "Shanghai"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

/** A question whose answer must be a call of `WEATHER_TOOL`. */
const WEATHER = {
  model: MODEL,
  messages: [{ role: "user", content: "What is the weather in Beijing right now?" }],
  tools: [WEATHER_TOOL],
  tool_choice: { type: "function", function: { name: "get_weather" } },
  max_tokens: 256,
  thinking: { type: "disabled" },
};

module.exports = { client, MODEL, QUESTION, WEATHER };
