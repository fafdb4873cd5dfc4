import { afterEach, expect, test, vi } from "vitest";
import { Slices } from "./slices.ts";

afterEach(() => vi.restoreAllMocks());

test("others get their turn by what was done, and by the time that it took", async () => {
  let passed = 0;
  vi.spyOn(performance, "now").mockImplementation(() => passed);
  const slices = new Slices();
  const gaveTurn = async (bytes: number) => {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await slices.done(bytes);
    return turned;
  };
  expect(await gaveTurn(1)).toBe(false);
  expect(await gaveTurn(256 * 1024)).toBe(true);
  passed += 11;
  expect(await gaveTurn(1)).toBe(true);
  expect(await gaveTurn(1)).toBe(false);
});
