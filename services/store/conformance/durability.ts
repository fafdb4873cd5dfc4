import { expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import { type Fixture, type Place, TestClock } from "./harness.ts";
import { put } from "./helpers.ts";
import { checkAcknowledged, killWriter, startWriter } from "./writing.ts";

const rounds = 3;

export function durability({ harness }: Fixture): void {
  test("everything outlives closing", () =>
    withPlace(async (place) => {
      const clock = new TestClock();
      const before = await openStore(place.config, clock);
      for (let n = 0; n < 6; n++) await before.commit(1, [put("a", `${n}`), put(`${n}`)]);
      const pin = await before.pin(1, "pin", 4n, 60);
      await before.compact(1, 3n);
      const remembered = await snapshot(before);
      await before.close();

      const after = await openStore(place.config, clock);
      expect(await snapshot(after)).toEqual(remembered);
      expect(after.identity).toEqual(before.identity);
      expect(await after.pins(1)).toEqual([pin]);
      expect(await after.compact(1, 6n)).toBe(4n);
      expect((await after.commit(1, [put("b")])).revision).toBe(7n);
      await after.close();
    }));

  for (const crash of [killWriter, ...(harness.crashes ?? [])]) {
    test(`every acknowledged commit outlives ${crash.name}, ${rounds} times over`, () =>
      withPlace(async (place) => {
        for (let round = 1; round <= rounds; round++) {
          const writer = startWriter(place, round, `round-${round}`, Number.MAX_SAFE_INTEGER, crash);
          await writer.reach(20 + Math.floor(Math.random() * 200));
          await crash.strike(place, writer.process);
          await writer.ended;
          const store = await openStore(place.config);
          await checkAcknowledged(store, round, writer.acknowledged);
          await store.commit(round, [put("afterwards")]);
          await store.close();
        }
      }));
  }

  async function withPlace(run: (place: Place) => Promise<void>): Promise<void> {
    const place = await harness.create();
    try {
      await run(place);
    } finally {
      await place.remove();
    }
  }
}

async function snapshot(store: Awaited<ReturnType<typeof openStore>>): Promise<unknown> {
  const tenant = 1;
  const times = [1n, 2n, 3n, 4n, 5n, 6n].map((revision) => store.timeOf(tenant, revision));
  return {
    head: await store.head(tenant),
    floor: await store.floor(tenant),
    times: await Promise.all(times),
    changes: await store.changes(tenant, 3n),
    entries: await store.scan(tenant, { start: new Uint8Array(), end: Uint8Array.of(0xff) }),
    old: await store.scan(tenant, { start: new Uint8Array(), end: Uint8Array.of(0xff) }, { at: 4n }),
  };
}
