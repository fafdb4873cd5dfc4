import { expect, test } from "vitest";
import { LossBatches } from "./loss-batches.ts";
import type { IndexLoss } from "./reported-losses.ts";
import { RunTurns } from "./run-turns.ts";

test("losses that come while others are kept are kept together, in order, and fail together", async () => {
  const batches = new LossBatches(new RunTurns());
  const gate = Promise.withResolvers<void>();
  const kept: IndexLoss[][] = [];
  const add = (epoch: number, losses: readonly IndexLoss[]) =>
    batches.add(1, { run: "a", lease: "holder", epoch }, losses, async (all) => {
      kept.push([...all]);
      await gate.promise;
      if (all.length > 2) throw new Error("too many");
      return BigInt(kept.length);
    });
  const first = add(0, [[0, 1]]);
  await Promise.resolve();
  const others = [add(0, [[1, 1]]), add(0, [[1, 2]]), add(1, [[9, 9]]), add(0, [[2, 2]])];
  gate.resolve();
  expect(await first).toBe(1n);
  const results = await Promise.allSettled(others);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled", "rejected"]);
  expect(kept).toEqual([
    [[0, 1]],
    [
      [1, 1],
      [1, 2],
      [2, 2],
    ],
    [[9, 9]],
  ]);
  expect(await add(0, [[3, 3]])).toBe(4n);
});
