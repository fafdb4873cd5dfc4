import { expect, test } from "vitest";
import { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { limits } from "../../kit/limits.ts";
import { isExpired, lifeEnd } from "./expiry.ts";

test("a snapshot that is not read is there until stream_snapshot_ttl_seconds have passed", () => {
  const seconds = limits.stream_snapshot_ttl_seconds;
  const stored = StoredSnapshot.fromPartial({ expireTimeMicros: lifeEnd(seconds, 5n) });
  const end = 5n + BigInt(seconds) * 1_000_000n;
  expect([isExpired(stored, end - 1n), isExpired(stored, end)]).toEqual([false, true]);
});

test("one without a time to live stays", () => {
  const stored = StoredSnapshot.fromPartial({ expireTimeMicros: lifeEnd(0, 5n) });
  expect(isExpired(stored, 10n ** 18n)).toBe(false);
});
