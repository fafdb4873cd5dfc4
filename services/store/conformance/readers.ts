import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { type Store, transferListOf } from "../store.ts";
import type { Fixture } from "./harness.ts";
import { put } from "./helpers.ts";
import type { ReadRequest, ReadResponse } from "./reader-thread.ts";

export function readers({ store, tenant }: Fixture): void {
  test("a worker thread reads what was committed, before and after it started", async () => {
    const id = tenant();
    await store().commit(id, [put("a", "1"), put("b", "1")]);
    const reader = startReader(store());
    try {
      expect(await reader.read({ tenant: id })).toEqual({ shown: ["a=1@1", "b=1@1"] });
      await store().commit(id, [put("a", "2"), put("c", "2")]);
      expect(await reader.read({ tenant: id })).toEqual({ shown: ["a=2@2", "b=1@1", "c=2@2"] });
      expect(await reader.read({ tenant: id, at: 1n })).toEqual({ shown: ["a=1@1", "b=1@1"] });
      expect(await reader.read({ tenant: id, key: "c" })).toEqual({ shown: ["c=2@2"] });
      expect(await reader.read({ tenant: id, key: "c", at: 1n })).toEqual({ shown: [] });
      expect(await reader.read({ tenant: id, at: 3n })).toEqual({ code: "OUT_OF_RANGE" });
      expect(await reader.read({ tenant: id, limit: 0 })).toEqual({ code: "INVALID_ARGUMENT" });
      await store().compact(id, 2n);
      expect(await reader.read({ tenant: id, at: 1n })).toEqual({ code: "OUT_OF_RANGE" });
    } finally {
      await reader.close();
    }
  });

  test("two worker threads read at once while commits go on", async () => {
    const id = tenant();
    await store().commit(
      id,
      Array.from({ length: 500 }, (_, n) => put(String(n).padStart(3, "0"), "old")),
    );
    const both = [startReader(store()), startReader(store())];
    try {
      const reads = both.flatMap((reader) => Array.from({ length: 5 }, () => reader.read({ tenant: id, at: 1n })));
      for (let n = 0; n < 20; n++) await store().commit(id, [put(String(n).padStart(3, "0"), "new")]);
      for (const { shown } of await Promise.all(reads)) {
        expect(shown).toHaveLength(500);
        expect(shown?.every((entry) => entry.endsWith("=old@1"))).toBe(true);
      }
    } finally {
      for (const reader of both) await reader.close();
    }
  });
}

/** A worker thread that answers in the order it is asked. */
function startReader(store: Store): { read(request: ReadRequest): Promise<ReadResponse>; close(): Promise<void> } {
  const share = store.share();
  const worker = new Worker(new URL("./reader-thread.ts", import.meta.url), {
    workerData: share,
    transferList: transferListOf(share),
    execArgv: [],
  });
  const waiting: PromiseWithResolvers<ReadResponse>[] = [];
  worker.on("message", (response: ReadResponse) => waiting.shift()?.resolve(response));
  worker.on("error", (error) => waiting.shift()?.reject(error));
  return {
    read(request) {
      const answer = Promise.withResolvers<ReadResponse>();
      waiting.push(answer);
      worker.postMessage(request);
      return answer.promise;
    },
    async close() {
      const exited = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage("close");
      expect(await exited).toBe(0);
    },
  };
}
