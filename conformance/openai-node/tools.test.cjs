"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { client, WEATHER } = require("./client.cjs");

test("a tool that must be called is called, with arguments that obey its schema", async () => {
  const completion = await client().chat.completions.create(WEATHER);

  const [choice] = completion.choices;
  assert.equal(choice.finish_reason, "tool_calls");
  const [call] = choice.message.tool_calls;
  assert.match(call.id, /^\S+$/);
  assertCall(call);
});

test("a streamed call can be put together by its index", async () => {
  const calls = await streamedCalls({ ...WEATHER, stream: true });

  assert.equal(calls.length, 1);
  assertCall(calls[0]);
});

test("with tool_stream the arguments come in pieces that join to JSON", async () => {
  const calls = await streamedCalls({ ...WEATHER, stream: true, tool_stream: true });

  assert.equal(calls.length, 1);
  assertCall(calls[0]);
});

test("the SDK's tool loop runs a whole conversation: call, result, answer", async () => {
  const asked = [];
  const runner = client().chat.completions.runTools(
    {
      ...WEATHER,
      tools: [
        {
          type: "function",
          function: {
            ...WEATHER.tools[0].function,
            parse: JSON.parse,
            function: ({ city }) => {
              asked.push(city);
              return JSON.stringify({ city, weather: "sunny", celsius: 25 });
            },
          },
        },
      ],
    },
    // A call that is forced in every turn never ends by itself.
    { maxChatCompletions: 1 },
  );
  await runner.done();
  assert.equal(asked.length, 1);

  const answer = await client().chat.completions.create({ ...WEATHER, messages: runner.messages, tool_choice: "none" });
  assert.notEqual(answer.choices[0].finish_reason, "tool_calls");
  assert.equal(answer.choices[0].message.tool_calls, undefined);
});

/** Joins the calls of a stream as every client does. */
async function streamedCalls(request) {
  const calls = [];
  let finish;
  for await (const { choices } of await client().chat.completions.create(request)) {
    for (const piece of choices[0].delta.tool_calls ?? []) {
      const call = (calls[piece.index] ??= { type: "function", function: { name: "", arguments: "" } });
      call.id ??= piece.id;
      call.function.name ||= piece.function.name ?? "";
      assert.equal(typeof piece.function.arguments, "string");
      call.function.arguments += piece.function.arguments;
    }
    finish = choices[0].finish_reason ?? finish;
  }
  assert.equal(finish, "tool_calls");
  return calls;
}

function assertCall(call) {
  assert.equal(call.type, "function");
  assert.equal(call.function.name, "get_weather");
  assert.ok(["Beijing", "Shanghai"].includes(JSON.parse(call.function.arguments).city), call.function.arguments);
}
