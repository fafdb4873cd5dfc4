import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { changesLimit, checkCommit, checkKey, checkPin, checkReadable, checkTenant } from "../checks.ts";
import type {
  ChangePage,
  Clock,
  Entry,
  Expectation,
  Head,
  Key,
  KeyRange,
  Micros,
  Mutation,
  Page,
  Pin,
  Revision,
  ScanOptions,
  Store,
  StoreIdentity,
  StoreShare,
  TenantId,
} from "../store.ts";
import { readChanges } from "./changes.ts";
import { Committer } from "./committer.ts";
import type { Database } from "./database.ts";
import { emptyHead, readFloor, readHead, readPins, readTime } from "./facts.ts";
import { headPath } from "./head-file.ts";
import { NewestEntries } from "./newest-entries.ts";
import { type OpenedFolder, openFolder } from "./open-folder.ts";
import { packCommit } from "./packed-commit.ts";
import { readEntry, readPage } from "./reader.ts";
import { newestVersion, type StepSize } from "./scan.ts";
import { Turns } from "./turns.ts";

/** About a millisecond of the main thread. */
const shortStep: StepSize = { rows: 250, bytes: 512 * 1024 };

/** Opens the store in a folder, which is made when missing. One process at a time. */
export async function openRocksdbStore(folder: string, clock: Clock): Promise<Store> {
  return new RocksdbStore(folder, clock, await openFolder(folder));
}

class RocksdbStore implements Store {
  readonly identity: StoreIdentity;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #database: Database;
  readonly #committer: Committer;
  /** Of tenants that were written to; moves when a commit is acknowledged. */
  readonly #heads = new Map<TenantId, Head>();
  readonly #newest = new NewestEntries();
  readonly #turns = new Turns();
  #closing: Promise<void> | undefined;

  constructor(folder: string, clock: Clock, { database, format }: OpenedFolder) {
    this.identity = { storeId: format.storeId, incarnation: format.incarnation };
    this.#folder = folder;
    this.#clock = clock;
    this.#database = database;
    this.#committer = new Committer({ handle: database.handle, headPath: headPath(folder) });
  }

  async get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
    if (this.#turns.isOver) await this.#turns.next();
    const head = this.#head(tenant).revision;
    if (at !== undefined) return readEntry(this.#database, tenant, key, at, head);
    checkKey(key);
    // The floor never passes what was acknowledged here.
    return this.#newest.get(tenant, key, () => newestVersion(this.#database, tenant, key, Number(head)));
  }

  async scan(tenant: TenantId, range: KeyRange, options: ScanOptions = {}): Promise<Page> {
    await this.#turns.next();
    const steps = readPage(this.#database, tenant, range, options, this.#head(tenant).revision, shortStep);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
      await this.#turns.next();
    }
  }

  async head(tenant: TenantId): Promise<Head> {
    await this.#turns.next();
    return this.#head(tenant);
  }

  async timeOf(tenant: TenantId, revision: Revision): Promise<Micros> {
    await this.#turns.next();
    checkReadable(revision, 0n, this.#head(tenant).revision);
    return readTime(this.#database, tenant, revision);
  }

  async floor(tenant: TenantId): Promise<Revision> {
    checkTenant(tenant);
    await this.#turns.next();
    return readFloor(this.#database, tenant);
  }

  async commit(
    tenant: TenantId,
    mutations: readonly Mutation[],
    expectations: readonly Expectation[] = [],
  ): Promise<Head> {
    checkTenant(tenant);
    const bytes = checkCommit(mutations, expectations);
    const packed = packCommit(mutations, expectations, bytes);
    const job = { kind: "commit", tenant, now: this.#clock.now(), bytes, packed } as const;
    const head = (await this.#committer.submit(job, [packed.bytes.buffer])) as Head;
    this.#heads.set(tenant, head);
    this.#newest.written(tenant, mutations, head.revision);
    return head;
  }

  async changes(tenant: TenantId, after: Revision, limit?: number): Promise<ChangePage> {
    await this.#turns.next();
    const most = changesLimit(limit);
    const head = this.#head(tenant).revision;
    checkReadable(after, readFloor(this.#database, tenant), head);
    return readChanges(this.#database, tenant, Number(after), Number(head), most);
  }

  async pin(tenant: TenantId, id: string, revision: Revision, ttlSeconds: number): Promise<Pin> {
    checkTenant(tenant);
    checkPin(id, ttlSeconds);
    const expires = this.#clock.now() + BigInt(Math.round(ttlSeconds * 1e6));
    await this.#committer.submit({ kind: "pin", tenant, id, revision, expires });
    return { id, revision, expires };
  }

  async unpin(tenant: TenantId, id: string): Promise<void> {
    checkTenant(tenant);
    await this.#committer.submit({ kind: "unpin", tenant, id });
  }

  async pins(tenant: TenantId): Promise<readonly Pin[]> {
    checkTenant(tenant);
    const now = this.#clock.now();
    return readPins(this.#database, tenant).filter(({ expires }) => expires > now);
  }

  async compact(tenant: TenantId, before: Revision): Promise<Revision> {
    checkTenant(tenant);
    const job = { kind: "compact", tenant, now: this.#clock.now(), before } as const;
    return (await this.#committer.submit(job)) as Revision;
  }

  share(): StoreShare {
    return { kind: "rocksdb", handle: this.#database.handle, location: this.#folder };
  }

  async size(): Promise<number> {
    const names = await readdir(this.#folder, { recursive: true });
    const sizes = await Promise.all(names.map((name) => fileBytes(join(this.#folder, name))));
    return sizes.reduce((total, bytes) => total + bytes, 0);
  }

  /** The threads end first: closing frees the memory under them. */
  close(): Promise<void> {
    this.#closing ??= this.#committer.close().then(() => this.#database.close());
    return this.#closing;
  }

  #head(tenant: TenantId): Head {
    this.#database.checkOpen();
    checkTenant(tenant);
    const head = this.#heads.get(tenant) ?? readHead(this.#database, tenant);
    if (head !== emptyHead) this.#heads.set(tenant, head);
    return head;
  }
}

/** RocksDB removes files when it likes. */
async function fileBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : 0;
}
