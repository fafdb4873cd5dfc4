import { expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import type { Fixture, Place } from "./harness.ts";
import { bytes, everything, put, rejection } from "./helpers.ts";

export function closing({ harness }: Fixture): void {
  test("close waits for what runs and may be called again", () =>
    withStore(async (store) => {
      const running = Array.from({ length: 10 }, (_, n) => store.commit(1, [put(`${n}`)]));
      await Promise.all([store.unpin(1, "none"), store.unpin(1, "none"), store.close(), store.close()]);
      expect((await Promise.all(running)).at(-1)?.revision).toBe(10n);
      await store.close();
    }));

  test("a closed store refuses everything", () =>
    withStore(async (store) => {
      await store.commit(1, [put("a")]);
      await store.close();
      await rejection(store.commit(1, [put("b")]), "UNAVAILABLE");
      await rejection(store.get(1, bytes("a")), "UNAVAILABLE");
      await rejection(store.scan(1, everything), "UNAVAILABLE");
      await rejection(store.head(1), "UNAVAILABLE");
      await rejection(store.changes(1, 0n), "UNAVAILABLE");
      await rejection(store.pin(1, "pin", 0n, 60), "UNAVAILABLE");
      await rejection(store.compact(1, 0n), "UNAVAILABLE");
    }));

  async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
    const place: Place = await harness.create();
    const store = await openStore(place.config);
    try {
      await run(store);
    } finally {
      await store.close();
      await place.remove();
    }
  }
}
