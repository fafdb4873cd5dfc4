import { expect, test, vi } from "vitest";
import { systemClock } from "../store/clock.ts";
import { openStore } from "../store/open-store.ts";
import type { Head } from "../store/store.ts";
import { CommitWatch } from "./commit-watch.ts";

const never = new AbortController().signal;
const put = { put: Buffer.from("key"), value: new Uint8Array() };

test("all who wait for a tenant wake at its commit, others go on waiting", async () => {
  const store = await openStore({ kind: "memory" }, systemClock);
  const watch = new CommitWatch(store, false);
  const waiting = [watch.wait(1, 0n, never), watch.wait(1, 0n, never)];
  const woken = vi.fn();
  const stop = new AbortController();
  const later = watch.wait(1, 1n, stop.signal).then(woken);
  const other = watch.wait(2, 0n, stop.signal).then(woken);
  const { revision } = await store.commit(1, [put]);
  watch.committed(1, revision);
  await Promise.all(waiting);
  expect(woken).not.toHaveBeenCalled();
  stop.abort();
  await Promise.all([later, other]);
  await store.close();
});

test("what was committed before is not waited for", async () => {
  const store = await openStore({ kind: "memory" }, systemClock);
  await store.commit(1, [put]);
  await new CommitWatch(store, false).wait(1, 0n, never);
  await store.close();
});

test("no commit is missed while the head is being read", async () => {
  const read = Promise.withResolvers<Head>();
  const watch = new CommitWatch({ head: () => read.promise }, false);
  const waiting = watch.wait(1, 5n, never);
  watch.committed(1, 6n);
  read.resolve({ revision: 5n, time: 0n });
  await waiting;
});

test("commits of other processes are found by looking, also after the store could not be asked", async () => {
  const store = await openStore({ kind: "memory" }, systemClock);
  const head = vi.fn(store.head.bind(store));
  const waiting = new CommitWatch({ head }, true).wait(1, 0n, never);
  head.mockRejectedValueOnce(new Error("away"));
  await store.commit(1, [put]);
  await waiting;
  const looked = head.mock.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(head).toHaveBeenCalledTimes(looked);
  await store.close();
});

test("a store that cannot be asked at the beginning is an error", async () => {
  const watch = new CommitWatch({ head: () => Promise.reject(new Error("away")) }, true);
  await expect(watch.wait(1, 0n, never)).rejects.toThrow("away");
});
