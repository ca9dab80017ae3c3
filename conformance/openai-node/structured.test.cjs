"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { zodResponseFormat } = require("openai/helpers/zod");
const { z } = require("zod");
const { client, QUESTION } = require("./client.cjs");

/** Every value is a choice, so the shortest and the longest answer fit into the token limit. */
const Weather = z.object({
  sky: z.enum(["clear", "cloudy", "rainy"]),
  windy: z.boolean(),
});

const REPORT = {
  ...QUESTION,
  messages: [{ role: "user", content: "Describe the weather of a summer day." }],
  max_tokens: 256,
};

test("an answer that must obey a schema is parsed by the SDK", async () => {
  const completion = await client().chat.completions.parse({
    ...REPORT,
    response_format: zodResponseFormat(Weather, "weather"),
  });

  const { parsed } = completion.choices[0].message;
  assert.ok(Weather.safeParse(parsed).success, JSON.stringify(parsed));
});

test("a streamed answer obeys the schema too", async () => {
  const runner = client().chat.completions.stream({
    ...REPORT,
    response_format: zodResponseFormat(Weather, "weather"),
  });

  const completion = await runner.finalChatCompletion();
  assert.ok(Weather.safeParse(completion.choices[0].message.parsed).success);
});
