import type { Micros } from "../../store/store.ts";

const isoTime =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?$/;

/**
 * Reads an ISO 8601 date (midnight UTC) or time (UTC where it names no offset) of the years 0000 to 9999; what is finer than a microsecond is cut.
 * Undefined for everything else, also for days and hours that do not exist. Never depends on locale or time zone.
 */
export function parseTimestamp(text: string): Micros | undefined {
  const match = isoTime.exec(text);
  if (match === null) {
    return undefined;
  }
  const [
    ,
    year,
    month,
    day,
    hour = 0,
    minute = 0,
    second = 0,
    fraction = "",
    ,
    sign,
    offsetHour = 0,
    offsetMinute = 0,
  ] = match;
  const midnight = midnightOf(Number(year), Number(month), Number(day));
  if (midnight === undefined || !isTimeOfDay(+hour, +minute, +second) || !isTimeOfDay(+offsetHour, +offsetMinute, 0)) {
    return undefined;
  }
  const offset = (sign === "-" ? -60 : 60) * (+offsetHour * 60 + +offsetMinute);
  const seconds = midnight + +hour * 3600 + +minute * 60 + +second - offset;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** Seconds since 1970; undefined where the day does not exist. */
function midnightOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.getTime() / 1000 : undefined;
}

function isTimeOfDay(hour: number, minute: number, second: number): boolean {
  return hour < 24 && minute < 60 && second < 60;
}

/** `2020-01-01T00:00:00Z`, with as many decimals as it needs. */
export function timestampText(micros: Micros): string {
  const seconds = micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n);
  const fraction = String(micros - seconds * 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}${fraction === "" ? "" : `.${fraction}`}Z`;
}
