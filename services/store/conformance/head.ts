import { test } from "vitest";
import { openStore } from "../open-store.ts";
import { type Fixture, required } from "./harness.ts";
import { put, rejection } from "./helpers.ts";

export function head({ harness }: Fixture): void {
  const flipByte = required(harness.flipByte, "flipByte");

  test("one flipped byte in what was acknowledged: the store refuses to open", async () => {
    const place = await harness.create();
    const store = await openStore(place.config);
    for (let n = 0; n < 100; n++) await store.commit(1, [put(`${n}`, "x".repeat(1000))]);
    await store.close();
    await flipByte(place);
    await rejection(openStore(place.config), "DATA_LOSS");
    await place.remove();
  });
}
