"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const OpenAI = require("openai");
const { client, QUESTION } = require("./client.cjs");

test("an unknown model is a bad request with the platform's code", async () => {
  await assert.rejects(client().chat.completions.create({ ...QUESTION, model: "no-such-model-xyz" }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, String(error));
    assert.equal(error.code, "1211");
    return true;
  });
});

test("a stream that cannot begin fails before its first chunk", async () => {
  const request = { ...QUESTION, model: "no-such-model-xyz", stream: true };
  await assert.rejects(client().chat.completions.create(request), OpenAI.BadRequestError);
});

test("a wrong key is refused as an authentication error", async () => {
  const stranger = client({ apiKey: `${"0".repeat(32)}.${"0".repeat(16)}` });
  await assert.rejects(stranger.chat.completions.create(QUESTION), OpenAI.AuthenticationError);
});

test("an empty conversation is refused, naming what is wrong", async () => {
  await assert.rejects(client().chat.completions.create({ ...QUESTION, messages: [] }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, String(error));
    assert.equal(error.code, "1214");
    assert.notEqual(error.message, "");
    return true;
  });
});
