import { expect, test } from "vitest";
import { RunTurns } from "./run-turns.ts";

test("changes of one run follow one another, also after one that fails; those of others do not wait", async () => {
  const turns = new RunTurns();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const change = (run: string, name: string, until?: Promise<void>) =>
    turns.take(1, run, "change", async () => {
      await until;
      order.push(name);
      if (name === "fails") throw new Error(name);
    });
  const all = [change("a", "fails", gate.promise), change("a", "second"), change("b", "other")];
  await all[2];
  gate.resolve();
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(order).toEqual(["other", "fails", "second"]);
});
