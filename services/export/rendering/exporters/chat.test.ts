import { expect, test } from "vitest";
import { RejectReason } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { fieldsOf, rendered, rendererOf, storedRecord } from "../rendering-fixture.ts";

const user = { role: "user", content: "Weather in Bonn?" };
const call = {
  role: "assistant",
  content: null,
  tool_calls: [{ type: "function", function: { name: "weather", arguments: { city: "Bonn" } } }],
};
const tool = { role: "tool", name: "weather", content: "7 °C" };
const answer = { role: "assistant", content: "7 °C.", thinking: "easy" };
const messages = [user, call, tool, answer];
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];

test("many turns keep roles, tool calls and every key", () => {
  expect(rendered({ format: "chat" }, { tools, messages })).toBe(JSON.stringify({ messages, tools }));
});

test("a system prompt goes first unless the messages begin with one", () => {
  const system = { role: "system", content: "Be brief." };
  expect(rendered({ format: "chat" }, { system: "Be brief.", messages })).toBe(
    JSON.stringify({ messages: [system, ...messages] }),
  );
  const own = [{ role: "system", content: "Be long." }, ...messages];
  expect(rendered({ format: "chat" }, { system: "Be brief.", messages: own })).toBe(JSON.stringify({ messages: own }));
});

test("the length is that of all assistant turns", () => {
  const spec = { format: "chat", weighting: { autoWeightByLength: true } };
  const parts = [{ role: "assistant", content: [{ type: "text", text: "12345" }, { type: "image" }] }, answer];
  expect(rendererOf(spec).explainWeight(storedRecord({ messages: parts }))?.length).toBe(10);
});

test("mapped user and assistant leave a field messages alone", () => {
  const spec = { format: "chat", mapping: fieldsOf({ user: "q", assistant: "a" }) };
  expect(rendered(spec, { q: "Q", a: "A", messages: "unrelated", system: " " })).toBe(
    '{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}]}',
  );
});

const missing = RejectReason.REJECT_REASON_MISSING_FIELD;
const wrongType = RejectReason.REJECT_REASON_WRONG_TYPE;

test.for([
  [{}, `${missing}: Missing required field 'user'`],
  [{ user: "u" }, `${missing}: Missing required field 'assistant'`],
  [{ messages: [] }, `${missing}: Missing required field 'messages'`],
  [{ messages: [user] }, `${missing}: Missing required field 'assistant'`],
  [{ messages: "x" }, `${wrongType}: Field 'messages' must be a list, not text`],
  [{ messages: [user, "x"] }, `${wrongType}: Field 'messages[1]' must be an object, not text`],
  [
    { messages: [{ role: "gpt", content: "x" }] },
    `${wrongType}: Field 'messages[0]' has the role "gpt", which is none of system, developer, user, assistant, tool`,
  ],
  [{ messages: [{ role: "assistant" }] }, `${wrongType}: Field 'messages[0]' has no content`],
  [
    { messages: [{ role: "assistant", content: 5 }] },
    `${wrongType}: Field 'messages[0]' has content that must be text or a list of objects, not a number`,
  ],
  [{ messages, tools: {} }, `${wrongType}: Field 'tools' must be a list, not an object`],
  [{ user: 1, assistant: "a" }, `${wrongType}: Field 'user' must be text, not a number: 1`],
] as const)("%j: %s", ([fields, problem]) => {
  expect(rendered({ format: "chat" }, fields)).toBe(problem);
});

test("mapped messages are asked for by their name", () => {
  const spec = { format: "chat", mapping: fieldsOf({ messages: "turns" }) };
  expect(rendered(spec, { user: "u", assistant: "a" })).toBe(`${missing}: Missing required field 'messages'`);
});
