import { checkKey, checkRange, checkReadable, checkTenant, pageLimit } from "../checks.ts";
import type { Entry, Key, KeyRange, Page, Revision, ScanOptions, StoreReader, StoreShare, TenantId } from "../store.ts";
import { Database } from "./database.ts";
import { readFloor, readHead } from "./facts.ts";
import { newestVersion, type StepSize, type Steps, scanBackward, scanForward } from "./scan.ts";

/** A worker thread reads its whole page at once. */
const wholePage: StepSize = { rows: 1001, bytes: 4 * 1024 * 1024 };

type RocksdbShare = Extract<StoreShare, { kind: "rocksdb" }>;

/** Joins the database that this process has open. */
export async function openRocksdbReader({ handle }: RocksdbShare): Promise<StoreReader> {
  return new RocksdbReader(await Database.open(BigInt(handle)));
}

class RocksdbReader implements StoreReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
    return readEntry(this.#database, tenant, key, at, readHead(this.#database, tenant).revision);
  }

  async scan(tenant: TenantId, range: KeyRange, options: ScanOptions = {}): Promise<Page> {
    const head = readHead(this.#database, tenant).revision;
    const steps = readPage(this.#database, tenant, range, options, head, wholePage);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

export function readEntry(
  database: Database,
  tenant: TenantId,
  key: Key,
  at: Revision | undefined,
  head: Revision,
): Entry | undefined {
  checkTenant(tenant);
  checkKey(key);
  const revision = at ?? head;
  const entry = newestVersion(database, tenant, key, Number(revision));
  checkReadable(revision, readFloor(database, tenant), head);
  return entry;
}

/** The floor is checked last as well: until then, a compaction may have removed what the page should hold. */
export function* readPage(
  database: Database,
  tenant: TenantId,
  range: KeyRange,
  options: ScanOptions,
  head: Revision,
  step: StepSize,
): Steps<Page> {
  checkTenant(tenant);
  checkRange(range);
  const limit = pageLimit(options.limit);
  const at = options.at ?? head;
  checkReadable(at, readFloor(database, tenant), head);
  if (Buffer.compare(range.start, range.end) >= 0) return { entries: [] };
  const scan = options.reverse ? scanBackward : scanForward;
  const page = yield* scan({ database, tenant, range, at: Number(at), limit, step });
  checkReadable(at, readFloor(database, tenant), head);
  return page;
}
