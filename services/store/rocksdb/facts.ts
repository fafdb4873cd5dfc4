import type { Head, Micros, Pin, TenantId } from "../store.ts";
import type { Database } from "./database.ts";
import { floorKey, headKey, pinIdOf, pinSpan, timeKey, writeCountKey } from "./keys.ts";

/** The small things that the store keeps about itself and each tenant, as they lie on disk. */

export const emptyHead: Head = { revision: 0n, time: 0n };

export function readHead(database: Database, tenant: TenantId): Head {
  const [bytes] = database.get(headKey(tenant));
  return bytes ? { revision: numberAt(bytes, 0), time: numberAt(bytes, 1) } : emptyHead;
}

export function readFloor(database: Database, tenant: TenantId): bigint {
  const [bytes] = database.get(floorKey(tenant));
  return bytes ? numberAt(bytes, 0) : 0n;
}

export function readTime(database: Database, tenant: TenantId, revision: bigint): Micros {
  const [bytes] = database.get(timeKey(tenant, Number(revision)));
  return bytes ? numberAt(bytes, 0) : 0n;
}

export function readPins(database: Database, tenant: TenantId): Pin[] {
  const { rows } = database.scan({ ...pinSpan(tenant), limit: -1 });
  const pins: Pin[] = [];
  for (let index = 0; index < rows.length; index += 2) {
    const bytes = rows[index + 1] as Buffer;
    pins.push({ id: pinIdOf(rows[index] as Buffer), revision: numberAt(bytes, 0), expires: numberAt(bytes, 1) });
  }
  return pins;
}

/** How many acknowledged writes the store holds; undefined in a new store. */
export function readWriteCount(database: Database): bigint | undefined {
  const [bytes] = database.get(writeCountKey);
  return bytes && numberAt(bytes, 0);
}

export function encodeNumbers(...numbers: bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  for (const [index, number] of numbers.entries()) bytes.writeBigUInt64BE(number, 8 * index);
  return bytes;
}

function numberAt(bytes: Buffer, index: number): bigint {
  return bytes.readBigUInt64BE(8 * index);
}
