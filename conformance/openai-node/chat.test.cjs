"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { client, MODEL, QUESTION } = require("./client.cjs");

test("a chat completion is answered and metered", async () => {
  const completion = await client().chat.completions.create(QUESTION);

  assert.equal(completion.object, "chat.completion");
  assert.equal(completion.model, MODEL);
  assert.equal(completion.choices.length, 1);
  const [choice] = completion.choices;
  assert.equal(choice.message.role, "assistant");
  assert.equal(typeof choice.message.content, "string");
  assert.ok(["stop", "length"].includes(choice.finish_reason), choice.finish_reason);
  assertUsage(completion.usage);
});

test("a streamed answer has text, then one finish reason and the usage", async () => {
  const stream = await client().chat.completions.create({ ...QUESTION, stream: true });

  let text = "";
  const finishes = [];
  let usage;
  for await (const chunk of stream) {
    assert.equal(chunk.object, "chat.completion.chunk");
    assert.equal(chunk.choices.length, 1);
    assert.equal(finishes.length, 0, "a chunk follows the finish chunk");
    text += chunk.choices[0].delta.content ?? "";
    if (chunk.choices[0].finish_reason) finishes.push(chunk.choices[0].finish_reason);
    usage = chunk.usage ?? usage;
  }
  assert.notEqual(text, "");
  assert.equal(finishes.length, 1);
  assertUsage(usage);
});

test("the SDK's own stream helper rebuilds the whole completion", async () => {
  const runner = client().chat.completions.stream({ ...QUESTION, stream_options: { include_usage: true } });

  const completion = await runner.finalChatCompletion();
  assert.equal(typeof completion.choices[0].message.content, "string");
  assertUsage(completion.usage);
});

test("thinking comes as reasoning_content, before the answer", async () => {
  const stream = await client().chat.completions.create({
    ...QUESTION,
    max_tokens: 256,
    thinking: { type: "enabled" },
    stream: true,
  });

  let order = "";
  for await (const { choices } of stream) {
    if (choices[0].delta.reasoning_content) order += "r";
    if (choices[0].delta.content) order += "c";
  }
  assert.match(order, /^r*c*$/, "reasoning after content");
  assert.notEqual(order, "");
});

test("the first words can be read while the rest is still being written, and the rest refused", async () => {
  const openai = client();
  const stream = await openai.chat.completions.create({ ...QUESTION, max_tokens: 4096, stream: true });

  for await (const chunk of stream) {
    assert.ok(chunk.id);
    stream.controller.abort();
    break;
  }
  // The place that was given up is free again.
  const completion = await openai.chat.completions.create({ ...QUESTION, max_tokens: 4 });
  assert.equal(completion.choices.length, 1);
});

test("a request that is aborted before its answer ends with the SDK's own abort error", async () => {
  const controller = new AbortController();
  // As soon as the request is on its way, which no answer can beat.
  const abortingFetch = (url, init) => {
    setImmediate(() => controller.abort());
    return fetch(url, init);
  };
  const openai = client({ fetch: abortingFetch });
  const answer = openai.chat.completions.create({ ...QUESTION, max_tokens: 4096 }, { signal: controller.signal });

  await assert.rejects(answer, { constructor: client().constructor.APIUserAbortError });
});

test("the models that can be asked for are listed", async () => {
  const ids = [];
  for await (const model of client().models.list()) ids.push(model.id);
  assert.ok(ids.includes(MODEL), ids.join(", "));
});

function assertUsage(usage) {
  assert.ok(usage.prompt_tokens > 0);
  assert.ok(usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.ok(usage.prompt_tokens_details.cached_tokens >= 0);
}
