import pg from "pg";
import {
  changesLimit,
  checkCommit,
  checkKey,
  checkPin,
  checkRange,
  checkReadable,
  checkTenant,
  pageLimit,
  storeClosed,
} from "../checks.ts";
import {
  type ChangePage,
  type Clock,
  type Entry,
  type Expectation,
  type Head,
  type Key,
  type KeyRange,
  type Micros,
  type Mutation,
  type Page,
  type Pin,
  type Revision,
  type ScanOptions,
  type Store,
  StoreError,
  type StoreIdentity,
  type StoreShare,
  type TenantId,
} from "../store.ts";
import { changes } from "./changes.ts";
import { Committer } from "./committer.ts";
import { compact, livePins, pin, unpin } from "./compaction.ts";
import { Database } from "./database.ts";
import { prepareSchema } from "./migrations.ts";
import { get, scan } from "./scan.ts";

/** Connections of one process. A commit holds one while it waits for another process's commit of the same tenant. */
const CONNECTIONS = 10;

const OLDEST_SERVER = 15;

/** Opens the store that lives in one schema of a database, and makes it where it is missing. Where it cannot, the error names server and database. */
export async function openPostgresStore(url: string, schema: string, clock: Clock): Promise<Store> {
  const place = placeOf(url);
  const database = new Database(url, schema, CONNECTIONS);
  try {
    await checkServer(database);
    const { storeId, incarnation } = await prepareSchema(database);
    return new PostgresStore(database, url, clock, { storeId, incarnation });
  } catch (error) {
    await database.close();
    throw error instanceof StoreError && error.cause !== undefined ? notOpened(place, error) : error;
  }
}

/** `host:port, database "name"` as the driver understands the URL; nothing secret. */
function placeOf(url: string): string {
  try {
    const { host, port, database } = new pg.Client({ connectionString: url });
    return `${host}:${port}, database "${database}"`;
  } catch (error) {
    const form = "postgres://user@host:port/database";
    throw new StoreError("INVALID_ARGUMENT", `The URL of the store (store_url) is none; write ${form}.`, {}, error);
  }
}

function notOpened(place: string, { code, message, details, cause }: StoreError): StoreError {
  return new StoreError(code, `The store at ${place} (store_url) cannot be opened: ${message}`, details, cause);
}

async function checkServer(database: Database): Promise<void> {
  const [row] = await database.read<{ version: string; fsync: string }>(
    "select current_setting('server_version_num') as version, current_setting('fsync') as fsync",
  );
  const version = Math.floor(Number(row?.version) / 10_000);
  if (version < OLDEST_SERVER) {
    throw new StoreError("FAILED_PRECONDITION", `PostgreSQL ${version} is too old; ${OLDEST_SERVER} is the oldest.`);
  }
  if (row?.fsync !== "on") {
    throw new StoreError("FAILED_PRECONDITION", "PostgreSQL runs with fsync off: a crash would lose the store.");
  }
}

class PostgresStore implements Store {
  readonly identity: StoreIdentity;
  readonly #database: Database;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #committers = new Map<TenantId, Committer>();
  #closing: Promise<void> | undefined;

  constructor(database: Database, url: string, clock: Clock, identity: StoreIdentity) {
    this.#database = database;
    this.#url = url;
    this.#clock = clock;
    this.identity = identity;
  }

  async get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
    checkKey(key);
    return get(this.#open(tenant), tenant, key, at);
  }

  async scan(tenant: TenantId, range: KeyRange, options: ScanOptions = {}): Promise<Page> {
    checkRange(range);
    return scan(this.#open(tenant), tenant, range, pageLimit(options.limit), options);
  }

  async head(tenant: TenantId): Promise<Head> {
    const [row] = await this.#open(tenant).read<{ revision: string; time: string }>(
      { name: "head", text: "select revision, time from head where tenant = $1" },
      [tenant],
    );
    return { revision: BigInt(row?.revision ?? 0), time: BigInt(row?.time ?? 0) };
  }

  async timeOf(tenant: TenantId, revision: Revision): Promise<Micros> {
    const [row] = await this.#open(tenant).read<{ newest: string | null; time: string | null }>(
      `select (select revision from head where tenant = $1) as newest,
              (select time from commit_time where tenant = $1 and revision = $2) as time`,
      [tenant, revision],
    );
    checkReadable(revision, 0n, BigInt(row?.newest ?? 0));
    return BigInt(row?.time ?? 0);
  }

  async floor(tenant: TenantId): Promise<Revision> {
    const [row] = await this.#open(tenant).read<{ floor: string }>("select floor from history where tenant = $1", [
      tenant,
    ]);
    return BigInt(row?.floor ?? 0);
  }

  async commit(
    tenant: TenantId,
    mutations: readonly Mutation[],
    expectations: readonly Expectation[] = [],
  ): Promise<Head> {
    const bytes = checkCommit(mutations, expectations);
    return this.#committer(tenant).commit({ mutations, expectations, bytes });
  }

  async changes(tenant: TenantId, after: Revision, limit?: number): Promise<ChangePage> {
    return changes(this.#open(tenant), tenant, after, changesLimit(limit));
  }

  async pin(tenant: TenantId, id: string, revision: Revision, ttlSeconds: number): Promise<Pin> {
    checkPin(id, ttlSeconds);
    const expires = this.#clock.now() + BigInt(Math.round(ttlSeconds * 1e6));
    return pin(this.#open(tenant), tenant, { id, revision, expires });
  }

  async unpin(tenant: TenantId, id: string): Promise<void> {
    await unpin(this.#open(tenant), tenant, id);
  }

  async pins(tenant: TenantId): Promise<readonly Pin[]> {
    return livePins(this.#open(tenant), tenant, this.#clock.now());
  }

  async compact(tenant: TenantId, before: Revision): Promise<Revision> {
    return compact(this.#open(tenant), tenant, this.#clock.now(), before);
  }

  share(): StoreShare {
    return { kind: "postgres", url: this.#url, schema: this.#database.schema };
  }

  async size(): Promise<number> {
    const [row] = await this.#open(0).read<{ bytes: string }>(
      `select sum(pg_total_relation_size(oid)) as bytes from pg_class
       where relnamespace = current_schema()::regnamespace and relkind = 'r'`,
    );
    return Number(row?.bytes ?? 0);
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    await Promise.all([...this.#committers.values()].map((committer) => committer.idle()));
    await this.#database.close();
  }

  #committer(tenant: TenantId): Committer {
    const database = this.#open(tenant);
    const known = this.#committers.get(tenant);
    if (known) return known;
    const made = new Committer(database, this.#clock, tenant);
    this.#committers.set(tenant, made);
    return made;
  }

  #open(tenant: TenantId): Database {
    checkTenant(tenant);
    if (this.#closing !== undefined) throw storeClosed();
    return this.#database;
  }
}
