import { expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import { type Fixture, required } from "./harness.ts";
import { keys, put, rejection } from "./helpers.ts";
import { checkAcknowledged, startWriter } from "./writing.ts";

export function secondOpener({ harness }: Fixture): void {
  if (required(harness.openers, "openers") === "one") onlyOne({ harness });
  else many({ harness });
}

function onlyOne({ harness }: Pick<Fixture, "harness">): void {
  test("a second opener is refused and the first goes on", async () => {
    const place = await harness.create();
    const store = await openStore(place.config);
    await store.commit(1, [put("a")]);
    await rejection(openStore(place.config), "FAILED_PRECONDITION");
    const other = startWriter(place, 1, "other", 1);
    await other.ended;
    expect(other.acknowledged).toEqual([]);
    await store.commit(1, [put("b")]);
    expect(await keys(store, 1)).toEqual(["a", "b"]);
    await store.close();
    await (await openStore(place.config)).close();
    await place.remove();
  });
}

function many({ harness }: Pick<Fixture, "harness">): void {
  test("three processes commit to one tenant in one gap-free order", async () => {
    const place = await harness.create();
    const store = await openStore(place.config);
    const others = ["one", "two"].map((name) => startWriter(place, 1, name, 100));
    const mine: bigint[] = [];
    for (let n = 0; n < 100; n++) {
      const { revision } = await store.commit(1, [put("mine", `${n}`)]);
      expect((await store.get(1, Buffer.from("mine")))?.revision).toBe(revision);
      mine.push(revision);
    }
    await Promise.all(others.map(({ ended }) => ended));
    const theirs = others.flatMap(({ acknowledged }) => acknowledged);
    await checkAcknowledged(store, 1, theirs);
    const all = [...mine, ...theirs.map(({ revision }) => revision)];
    expect(all.toSorted((a, b) => Number(a - b))).toEqual(Array.from({ length: 300 }, (_, n) => BigInt(n + 1)));
    await store.close();
    await place.remove();
  });
}
