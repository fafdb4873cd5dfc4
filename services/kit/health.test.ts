import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../store/clock.ts";
import { MemoryStore } from "../store/memory/store.ts";
import { StoreError } from "../store/store.ts";
import { Health } from "./health.ts";

const full = new StoreError("UNAVAILABLE", "The disk is full.");

describe("health", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function serving(): Health {
    const health = new Health(pino({ level: "silent" }));
    health.serve(["a.Service"]);
    return health;
  }

  test("is bad from a store's failure until the store takes a commit", async () => {
    using health = serving();
    const store = new MemoryStore(systemClock);
    expect(health.state.getStatus("a.Service")).toBe("healthy");
    health.storeRejected(full, store);
    expect(health.state.getStatus("a.Service")).toBe("unhealthy");
    expect(health.state.getStatus("")).toBe("unhealthy");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(health.state.getStatus("a.Service")).toBe("healthy");
    await store.close();
  });

  test("stays bad while the store fails", async () => {
    using health = serving();
    const store = new MemoryStore(systemClock);
    await store.close();
    health.storeRejected(full, store);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(health.state.getStatus("a.Service")).toBe("unhealthy");
  });

  test("of two stores that failed both have to work again", async () => {
    using health = serving();
    const [works, fails] = [new MemoryStore(systemClock), new MemoryStore(systemClock)];
    await fails.close();
    health.storeRejected(full, works);
    health.storeRejected(full, fails);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(health.state.getStatus("")).toBe("unhealthy");
    await works.close();
  });

  test("is not touched by a caller's mistakes", () => {
    using health = serving();
    const store = new MemoryStore(systemClock);
    health.storeRejected(new StoreError("ABORTED", "Another was first."), store);
    health.storeRejected(new Error("a fault"), store);
    expect(health.state.getStatus("a.Service")).toBe("healthy");
  });

  test("stays bad once the server stops", async () => {
    const health = serving();
    health.storeRejected(full, new MemoryStore(systemClock));
    health.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(health.state.getStatus("")).toBe("unhealthy");
  });
});
