import type { Timestamp } from "../../proto/gen/google/protobuf/timestamp.ts";
import type { Micros } from "../store/store.ts";
import { fieldInvalid } from "./field.ts";

const microsPerSecond = 1_000_000n;
/** 0001-01-01 and 9999-12-31, what a Timestamp may be. */
const earliestSeconds = -62_135_596_800n;
const latestSeconds = 253_402_300_799n;

export function toTimestamp(micros: Micros): Timestamp {
  const rest = ((micros % microsPerSecond) + microsPerSecond) % microsPerSecond;
  return { seconds: (micros - rest) / microsPerSecond, nanos: Number(rest) * 1_000 };
}

/** Cuts below microseconds. Throws FIELD_INVALID naming `field` where the message is no Timestamp. */
export function fromTimestamp(timestamp: Timestamp, field: string): Micros {
  const { seconds, nanos } = timestamp;
  if (seconds < earliestSeconds || seconds > latestSeconds || nanos < 0 || nanos > 999_999_999) {
    throw fieldInvalid(field, `${seconds}s ${nanos}ns`, "a time between the years 1 and 9999");
  }
  return seconds * microsPerSecond + BigInt(Math.floor(nanos / 1_000));
}
