import { FORMAT_KEY } from "../format.ts";
import type { Key, TenantId } from "../store.ts";

/**
 * Physical keys. The first byte is the key space, then, but for `meta`, four bytes of tenant:
 *
 *     meta    name                                                → store-wide facts; `meta/format` is the first key of all
 *     head    tenant                                              → revision, time
 *     floor   tenant                                              → revision
 *     pin     tenant  id                                          → revision, end
 *     time    tenant  revision                                    → commit time
 *     change  tenant  revision  ordinal                           → deleted, key
 *     data    tenant  escaped key  00 00  inverted revision  tag  → value
 *
 * Numbers are big-endian. A key's 00 is escaped as 00 FF, so physical order is key order, and within a key newest first.
 */
const space = { meta: 0, head: 1, floor: 2, pin: 3, time: 4, change: 5, data: 6 } as const;

export const formatKey: Buffer = metaKey(FORMAT_KEY);
export const writeCountKey: Buffer = metaKey("meta/write-count");

const suffixBytes = 9;
const prefixBytes = 5;
const terminatorBytes = 2;
const tags = { value: 0, deleted: 1 } as const;

function metaKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(space.meta), Buffer.from(name)]);
}

function tenantKey(of: number, tenant: TenantId, more = 0): Buffer {
  const key = Buffer.alloc(prefixBytes + more);
  key[0] = of;
  key.writeUInt32BE(tenant, 1);
  return key;
}

export function headKey(tenant: TenantId): Buffer {
  return tenantKey(space.head, tenant);
}

export function floorKey(tenant: TenantId): Buffer {
  return tenantKey(space.floor, tenant);
}

/** All floors: from one key to the next space. */
export const floorSpan: { readonly gte: Buffer; readonly lt: Buffer } = {
  gte: Buffer.of(space.floor),
  lt: Buffer.of(space.floor + 1),
};

export function tenantOf(physical: Buffer): TenantId {
  return physical.readUInt32BE(1);
}

export function pinKey(tenant: TenantId, id: string): Buffer {
  return Buffer.concat([tenantKey(space.pin, tenant), Buffer.from(id)]);
}

export function pinIdOf(physical: Buffer): string {
  return physical.toString("utf8", prefixBytes);
}

/** All pins of a tenant; an id is UTF-8 and so never begins with FF. */
export function pinSpan(tenant: TenantId): { gte: Buffer; lt: Buffer } {
  return { gte: pinKey(tenant, ""), lt: Buffer.concat([tenantKey(space.pin, tenant), Buffer.of(0xff)]) };
}

export function timeKey(tenant: TenantId, revision: number): Buffer {
  const key = tenantKey(space.time, tenant, 8);
  writeRevision(key, revision, prefixBytes);
  return key;
}

export function changeKey(tenant: TenantId, revision: number, ordinal: number): Buffer {
  const key = tenantKey(space.change, tenant, 12);
  writeRevision(key, revision, prefixBytes);
  key.writeUInt32BE(ordinal, prefixBytes + 8);
  return key;
}

export function changeOf(physical: Buffer): { revision: number; ordinal: number } {
  return { revision: readRevision(physical, prefixBytes), ordinal: physical.readUInt32BE(prefixBytes + 8) };
}

/** What all versions of a key begin with; also the bound that lies before them. */
export function dataPrefix(tenant: TenantId, key: Key): Buffer {
  const zeros = countZeros(key);
  const prefix = tenantKey(space.data, tenant, key.length + zeros + terminatorBytes);
  if (zeros === 0) prefix.set(key, prefixBytes);
  else escapeInto(prefix, key);
  return prefix;
}

/** The bound after all versions of the key that a prefix or a version belongs to. */
export function afterVersions(prefix: Buffer): Buffer {
  const after = Buffer.from(prefix);
  after[after.length - 1] = 1;
  return after;
}

/** The first version at or before a revision lies at or after this bound. */
export function versionBound(prefix: Buffer, revision: number): Buffer {
  const bound = Buffer.alloc(prefix.length + 8);
  bound.set(prefix);
  writeInverted(bound, revision, prefix.length);
  return bound;
}

export function versionKey(prefix: Buffer, revision: number, deleted: boolean): Buffer {
  const key = Buffer.alloc(prefix.length + suffixBytes);
  key.set(prefix);
  writeInverted(key, revision, prefix.length);
  key[key.length - 1] = deleted ? tags.deleted : tags.value;
  return key;
}

export function prefixOf(version: Buffer): Buffer {
  return version.subarray(0, version.length - suffixBytes);
}

export function revisionOf(version: Buffer): number {
  const at = version.length - suffixBytes;
  const high = ~version.readUInt32BE(at) >>> 0;
  const low = ~version.readUInt32BE(at + 4) >>> 0;
  return high * 0x1_0000_0000 + low;
}

export function isDeleted(version: Buffer): boolean {
  return version[version.length - 1] === tags.deleted;
}

/** Whether two versions belong to one key. Compares from the end, where neighbours differ first. */
export function sameKey(one: Buffer, other: Buffer): boolean {
  if (one.length !== other.length) return false;
  for (let index = one.length - suffixBytes - 1; index >= prefixBytes; index--) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}

export function keyOf(version: Buffer): Buffer {
  const escaped = version.subarray(prefixBytes, version.length - suffixBytes - terminatorBytes);
  return escaped.includes(0) ? unescaped(escaped) : escaped;
}

function countZeros(key: Key): number {
  let zeros = 0;
  for (let index = 0; index < key.length; index++) if (key[index] === 0) zeros++;
  return zeros;
}

function escapeInto(prefix: Buffer, key: Key): void {
  let at = prefixBytes;
  for (let index = 0; index < key.length; index++) {
    const byte = key[index] ?? 0;
    prefix[at++] = byte;
    if (byte === 0) prefix[at++] = 0xff;
  }
}

function unescaped(escaped: Buffer): Buffer {
  const key = Buffer.alloc(escaped.length);
  let length = 0;
  for (let index = 0; index < escaped.length; index++) {
    key[length++] = escaped[index] ?? 0;
    if (escaped[index] === 0) index++;
  }
  return key.subarray(0, length);
}

function writeRevision(into: Buffer, revision: number, at: number): void {
  into.writeUInt32BE(Math.floor(revision / 0x1_0000_0000), at);
  into.writeUInt32BE(revision >>> 0, at + 4);
}

function readRevision(from: Buffer, at: number): number {
  return from.readUInt32BE(at) * 0x1_0000_0000 + from.readUInt32BE(at + 4);
}

function writeInverted(into: Buffer, revision: number, at: number): void {
  into.writeUInt32BE(~Math.floor(revision / 0x1_0000_0000) >>> 0, at);
  into.writeUInt32BE(~revision >>> 0, at + 4);
}
