import { expect, test } from "vitest";
import { bySnapshot, joined } from "./by-snapshot.ts";

async function* each(...texts: readonly string[]): AsyncGenerator<{ snapshot: string; name: string }> {
  for (const text of texts) yield { snapshot: text[0] ?? "", name: text };
}

test.each([
  [[], ["a1"], []],
  [["a1", "a2", "c1"], [], ["a1,a2:", "c1:"]],
  [
    ["b1", "d1", "d2"],
    ["a1", "b2", "b3", "c1", "d3", "e1"],
    ["b1:b2,b3", "d1,d2:d3"],
  ],
  [["a1", "c1"], ["b1"], ["a1:", "c1:"]],
])("%j with %j", async (left, right, expected) => {
  const found: string[] = [];
  for await (const [{ items }, others] of joined(bySnapshot(each(...left)), bySnapshot(each(...right)))) {
    found.push(`${items.map(({ name }) => name).join()}:${others.map(({ name }) => name).join()}`);
  }
  expect(found).toEqual(expected);
});
