import { expect, test } from "vitest";
import type { Pin, TenantId } from "../store.ts";
import type { Fixture } from "./harness.ts";
import { bytes, put, rejection, text } from "./helpers.ts";

export function pins({ store, tenant, clock }: Fixture): void {
  test("the oldest live pin holds back compaction", async () => {
    const id = await tenRevisions();
    await store().pin(id, "seven", 7n, 60);
    await store().pin(id, "four", 4n, 60);
    expect(await store().compact(id, 9n)).toBe(4n);
    expect(text((await store().get(id, bytes("a"), 4n))?.value ?? bytes(""))).toBe("4");
    await store().unpin(id, "four");
    expect(await store().compact(id, 9n)).toBe(7n);
    await store().unpin(id, "seven");
    await store().unpin(id, "seven");
    expect(await store().compact(id, 9n)).toBe(9n);
  });

  test("what is asked in one turn of the event loop is all done", async () => {
    const id = await tenRevisions();
    const large = put("large", "x".repeat(3 * 1024 * 1024));
    // The compaction may be done before any pin that is asked beside it.
    await store().pin(id, "held", 1n, 60);
    await Promise.all([
      store().pin(id, "one", 1n, 60),
      store().pin(id, "two", 2n, 60),
      store().commit(id, [large]),
      store().commit(id, [large]),
      store().commit(id, [put("b")]),
      store().compact(id, 9n),
      store().pin(id, "three", 3n, 60),
      store().commit(id, [put("c")]),
    ]);
    expect((await store().pins(id)).length).toBe(4);
    expect((await store().head(id)).revision).toBe(14n);
  });

  test("a pin ends with its time to live", async () => {
    const id = await tenRevisions();
    const pin = await store().pin(id, "short", 2n, 60);
    expect(pin).toEqual({ id: "short", revision: 2n, expires: clock.now() + 60_000_000n });
    clock.advance(59.999999);
    expect(await store().pins(id)).toEqual([pin]);
    expect(await store().compact(id, 5n)).toBe(2n);
    clock.advance(0.000001);
    expect(await store().pins(id)).toEqual([]);
    expect(await store().compact(id, 5n)).toBe(5n);
  });

  test("the same id again moves and renews the pin", async () => {
    const id = await tenRevisions();
    await store().pin(id, "moving", 2n, 60);
    clock.advance(59);
    await store().pin(id, "moving", 3n, 60);
    clock.advance(59);
    expect((await store().pins(id)).map(({ revision }: Pin) => revision)).toEqual([3n]);
    expect(await store().compact(id, 5n)).toBe(3n);
  });

  test("a pin lies between floor and head", async () => {
    const id = await tenRevisions();
    await store().compact(id, 3n);
    await rejection(store().pin(id, "low", 2n, 60), "OUT_OF_RANGE");
    await rejection(store().pin(id, "high", 11n, 60), "OUT_OF_RANGE");
    await store().pin(id, "floor", 3n, 60);
    await store().pin(id, "head", 10n, 60);
    expect((await store().pins(id)).map((pin: Pin) => pin.id).toSorted()).toEqual(["floor", "head"]);
  });

  test("bad ids and times to live are refused", async () => {
    const id = await tenRevisions();
    for (const name of ["", "x".repeat(257), "\ud800", "nul\0"]) {
      await rejection(store().pin(id, name, 1n, 60), "INVALID_ARGUMENT");
    }
    for (const seconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await rejection(store().pin(id, "ttl", 1n, seconds), "INVALID_ARGUMENT");
    }
    await store().pin(id, "x".repeat(256), 1n, 60);
  });

  async function tenRevisions(): Promise<TenantId> {
    const id = tenant();
    for (let n = 1; n <= 10; n++) await store().commit(id, [put("a", `${n}`)]);
    return id;
  }
}
