import { parentPort, workerData } from "node:worker_threads";
import { openReader } from "../open-reader.ts";
import { prefixRange } from "../range.ts";
import { type Entry, StoreError, type StoreErrorCode, type StoreReader, type TenantId } from "../store.ts";

/** The worker thread of `readers.ts`: opens a reader from what the store shared and reads what it is asked. */

export interface ReadRequest {
  readonly tenant: TenantId;
  /** Absent: everything. */
  readonly key?: string;
  readonly at?: bigint;
  readonly limit?: number;
}

export interface ReadResponse {
  readonly shown?: readonly string[];
  readonly code?: StoreErrorCode;
}

const reader = await openReader(workerData);
let last: Promise<void> = Promise.resolve();
parentPort?.on("message", (request: ReadRequest | "close") => {
  last = last.then(() => handle(request));
});

async function handle(request: ReadRequest | "close"): Promise<void> {
  if (request !== "close") return parentPort?.postMessage(await answer(reader, request));
  await reader.close();
  parentPort?.close();
}

async function answer(from: StoreReader, request: ReadRequest): Promise<ReadResponse> {
  try {
    return { shown: (await read(from, request)).map(show) };
  } catch (error) {
    if (error instanceof StoreError) return { code: error.code };
    throw error;
  }
}

async function read(from: StoreReader, { tenant, key, at, limit }: ReadRequest): Promise<readonly Entry[]> {
  if (key !== undefined) {
    const entry = await from.get(tenant, Buffer.from(key), at);
    return entry ? [entry] : [];
  }
  const options = { ...(at === undefined ? {} : { at }), ...(limit === undefined ? {} : { limit }) };
  return (await from.scan(tenant, prefixRange(new Uint8Array()), options)).entries;
}

function show({ key, value, revision }: Entry): string {
  return `${Buffer.from(key)}=${Buffer.from(value)}@${revision}`;
}
