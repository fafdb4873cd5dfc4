import { expect, test } from "vitest";
import { compactTenant, runCompactor } from "./compactor.ts";
import { TestClock } from "./conformance/harness.ts";
import { put } from "./conformance/helpers.ts";
import { openStore } from "./open-store.ts";

const hour = 3600;
const retention = 24 * hour;

test("every commit stays readable for the retention, and no longer than one round more", async () => {
  const clock = new TestClock();
  const store = await openStore({ kind: "memory" }, clock);
  for (let round = 0; round < 200; round++) {
    if (round % 3 !== 0) await store.commit(1, [put("a", `${round}`)]);
    clock.advance(hour / 2);
    if (round % 7 === 0) await store.commit(1, [put("b", `${round}`)]);
    clock.advance(hour / 2);
    await compactTenant(store, 1, retention);
    await checkFloor();
  }
  clock.advance(retention);
  await compactTenant(store, 1, retention);
  expect(await store.floor(1)).toBe((await store.head(1)).revision);

  async function checkFloor(): Promise<void> {
    const floor = await store.floor(1);
    if (floor > 0n) expect(await age(floor)).toBeGreaterThanOrEqual(retention);
    if (floor < (await store.head(1)).revision) expect(await age(floor + 1n)).toBeLessThanOrEqual(retention + hour);
  }

  async function age(revision: bigint): Promise<number> {
    return Number(clock.now() - (await store.timeOf(1, revision))) / 1e6;
  }
});

test("history without marks stays for a whole retention", async () => {
  const clock = new TestClock();
  const store = await openStore({ kind: "memory" }, clock);
  for (let n = 0; n < 5; n++) await store.commit(1, [put("a", `${n}`)]);
  await compactTenant(store, 1, retention);
  clock.advance(retention - 1);
  await compactTenant(store, 1, retention);
  expect(await store.floor(1)).toBe(0n);
  clock.advance(1);
  await compactTenant(store, 1, retention);
  expect(await store.floor(1)).toBe(5n);
});

test("other pins hold it back", async () => {
  const clock = new TestClock();
  const store = await openStore({ kind: "memory" }, clock);
  for (let n = 0; n < 5; n++) await store.commit(1, [put("a", `${n}`)]);
  await store.pin(1, "snapshot", 2n, 10 * retention);
  for (let round = 0; round < 60; round++) {
    await compactTenant(store, 1, retention);
    clock.advance(hour);
  }
  expect(await store.floor(1)).toBe(2n);
});

test("it runs until it is told to stop, whatever fails", async () => {
  const store = await openStore({ kind: "memory" });
  await store.commit(2, [put("a")]);
  const stop = new AbortController();
  const errors: unknown[] = [];
  let rounds = 0;
  await runCompactor(store, {
    intervalSeconds: 0.001,
    signal: stop.signal,
    onError: (error) => errors.push(error),
    tenants: async () => {
      rounds++;
      if (rounds === 1) throw new Error("no tenants yet");
      if (rounds === 3) stop.abort();
      return [-1, 2];
    },
  });
  expect(rounds).toBe(3);
  expect(errors.map(String)).toEqual(["Error: no tenants yet", expect.stringContaining("Tenant -1")]);
  expect((await store.pins(2)).map(({ revision }) => revision)).toEqual([0n, 1n]);
});
