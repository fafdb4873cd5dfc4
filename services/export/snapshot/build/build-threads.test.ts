import { expect, test } from "vitest";
import { BuildThreads } from "./build-threads.ts";

const never = new AbortController().signal;

test("who stops waiting for a thread does not get one", async () => {
  const threads = new BuildThreads(1);
  const first = await threads.acquire(never);
  const stop = new AbortController();
  const stopped = threads.acquire(stop.signal);
  const second = threads.acquire(never);
  stop.abort();
  expect(await stopped).toBeUndefined();
  if (first !== undefined) threads.release(first);
  expect(await second).toBe(first);
  await threads.close();
});

test("an idle thread that ended is not given to a build", async () => {
  const threads = new BuildThreads(1);
  const first = await threads.acquire(never);
  if (first !== undefined) threads.release(first);
  await first?.terminate();
  const second = await threads.acquire(never);
  expect(second).not.toBe(first);
  expect(second?.ended).toBe(false);
  await threads.close();
});
