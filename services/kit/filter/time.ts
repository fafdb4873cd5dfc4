import type { CelFunc } from "@bufbuild/cel";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { filterLibrary } from "./library.ts";

const millisPerDay = 86_400_000;

const getters: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / millisPerDay),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

/**
 * CEL's methods of timestamps, in UTC or at a fixed offset (`"+02:00"`).
 * Replaces those of the library: they pass through the machine's time zone, and named zones depend on its version of the zone data.
 */
export function timeMethods(): CelFunc[] {
  const { CelScalar, celMethod, objectType } = filterLibrary.cel;
  const timestamp = objectType(filterLibrary.wellKnownTypes.TimestampSchema);
  return Object.entries(getters).flatMap(([name, get]) => [
    celMethod(name, timestamp, [], CelScalar.INT, function () {
      return BigInt(get(dateOf(this.message as Timestamp, 0)));
    }),
    celMethod(name, timestamp, [CelScalar.STRING], CelScalar.INT, function (zone) {
      return BigInt(get(dateOf(this.message as Timestamp, offsetMillis(zone))));
    }),
  ]);
}

function dateOf(timestamp: Timestamp, offset: number): Date {
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000) + offset);
}

function offsetMillis(zone: string): number {
  if (zone === "UTC") {
    return 0;
  }
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (match === null) {
    throw new Error(`time zone ${JSON.stringify(zone)} is neither "UTC" nor an offset like "+02:00"`);
  }
  return (match[1] === "-" ? -60_000 : 60_000) * (Number(match[2]) * 60 + Number(match[3]));
}
