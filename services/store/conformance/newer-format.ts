import { expect, test } from "vitest";
import { openStore } from "../open-store.ts";
import { type Fixture, required } from "./harness.ts";
import { put, rejection } from "./helpers.ts";

export function newerFormat({ harness }: Fixture): void {
  const raiseFormat = required(harness.raiseFormat, "raiseFormat");

  test("a newer format is refused and both versions are named", async () => {
    const place = await harness.create();
    const store = await openStore(place.config);
    await store.commit(1, [put("a")]);
    await store.close();
    await raiseFormat(place);
    const { message, details } = await rejection(openStore(place.config), "FAILED_PRECONDITION");
    expect(Number(details["storeFormat"])).toBe(Number(details["programFormat"]) + 1);
    expect(message).toContain(details["storeFormat"]);
    expect(message).toContain(details["programFormat"]);
    await place.remove();
  });
}
