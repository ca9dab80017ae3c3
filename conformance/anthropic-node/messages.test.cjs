"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const Anthropic = require("@anthropic-ai/sdk");

const MODEL = process.env.AZIMUTH_MODEL ?? "glm-4.7";

/** A client of the server under test, without retries: a failure should be seen the first time. */
function client(overrides = {}) {
  return new Anthropic({
    apiKey: process.env.AZIMUTH_API_KEY,
    baseURL: `${process.env.AZIMUTH_BASE_URL}/api/anthropic`,
    maxRetries: 0,
    timeout: 120_000,
    ...overrides,
  });
}

/** A short question, without thinking, so that a toy model is done soon. */
const QUESTION = {
  model: MODEL,
  max_tokens: 48,
  messages: [{ role: "user", content: "Say hello in one short sentence." }],
  thinking: { type: "disabled" },
};

/** A question whose answer must be a call, whose arguments are a choice. */
const WEATHER = {
  ...QUESTION,
  max_tokens: 256,
  messages: [{ role: "user", content: "What is the weather in Beijing right now?" }],
  tools: [
    {
      name: "get_weather",
      description: "Get the current weather of a city.",
      input_schema: {
        type: "object",
        properties: { city: { type: "string", enum: ["Beijing", "Shanghai"] } },
        required: ["city"],
        additionalProperties: false,
      },
    },
  ],
  tool_choice: { type: "tool", name: "get_weather" },
};

test("a message comes back with its text, its model and its usage", async () => {
  const message = await client().messages.create(QUESTION);
  assert.equal(message.type, "message");
  assert.equal(message.model, MODEL);
  assert.ok(message.content[0].text.trim());
  assert.ok(message.usage.output_tokens > 0);
  assert.ok(message._request_id);
});

test("the stream helper ends with the same text as its pieces", async () => {
  const stream = client().messages.stream(QUESTION);
  let text = "";
  stream.on("text", (piece) => (text += piece));
  const message = await stream.finalMessage();
  assert.equal(text, message.content[0].text);
  assert.ok(["end_turn", "max_tokens"].includes(message.stop_reason));
});

test("a stream can be left", async () => {
  const stream = await client().messages.create({ ...QUESTION, max_tokens: 1024, stream: true });
  for await (const event of stream) {
    if (event.type === "content_block_delta") break;
  }
  assert.ok((await client().messages.create(QUESTION)).content);
});

test("thinking is a block of its own with a signature", async () => {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const message = await client().messages.create({ ...QUESTION, max_tokens: 512, thinking });
  assert.equal(message.content[0].type, "thinking");
  assert.ok(message.content[0].thinking.trim());
  assert.equal(typeof message.content[0].signature, "string");
});

test("a tool that must be called is called, whole and streamed", async () => {
  const whole = await client().messages.create(WEATHER);
  const streamed = await client().messages.stream(WEATHER).finalMessage();
  for (const message of [whole, streamed]) {
    const call = message.content.find((block) => block.type === "tool_use");
    assert.equal(call.name, "get_weather");
    assert.ok(["Beijing", "Shanghai"].includes(call.input.city));
    assert.equal(message.stop_reason, "tool_use");
  }
});

test("tokens are counted without asking the model", async () => {
  const { model, messages } = QUESTION;
  assert.ok((await client().messages.countTokens({ model, messages })).input_tokens > 0);
});

test("models are listed page by page and found by name", async () => {
  const ids = [];
  for await (const model of client().models.list({ limit: 2 })) ids.push(model.id);
  assert.ok(ids.includes(MODEL));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal((await client().models.retrieve(MODEL)).id, MODEL);
});

test("refusals are the error classes of their status", async () => {
  const stranger = client({ apiKey: `${"0".repeat(32)}.${"0".repeat(16)}` });
  await assert.rejects(stranger.messages.create(QUESTION), Anthropic.AuthenticationError);
  await assert.rejects(client().messages.create({ ...QUESTION, messages: [] }), Anthropic.BadRequestError);
  await assert.rejects(client().models.retrieve("no-such-model-xyz"), Anthropic.NotFoundError);
  await assert.rejects(client().messages.create({ ...QUESTION, model: "no-such-model-xyz" }), (error) => {
    assert.ok(error instanceof Anthropic.BadRequestError, String(error));
    assert.equal(error.error.error.code, "1211");
    return true;
  });
});
