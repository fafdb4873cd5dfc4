import { checkKey, checkRange, checkTenant, pageLimit, storeClosed } from "../checks.ts";
import type { Entry, Key, KeyRange, Page, Revision, ScanOptions, StoreReader, TenantId } from "../store.ts";
import { Database } from "./database.ts";
import { get, scan } from "./scan.ts";

/** Connections of a reader in a worker thread, which does one thing at a time. */
const READER_CONNECTIONS = 2;

export class PostgresReader implements StoreReader {
  readonly #database: Database;
  #closing: Promise<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
    checkKey(key);
    return get(this.#open(tenant), tenant, key, at);
  }

  async scan(tenant: TenantId, range: KeyRange, options: ScanOptions = {}): Promise<Page> {
    checkRange(range);
    return scan(this.#open(tenant), tenant, range, pageLimit(options.limit), options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close();
    return this.#closing;
  }

  #open(tenant: TenantId): Database {
    checkTenant(tenant);
    if (this.#closing !== undefined) throw storeClosed();
    return this.#database;
  }
}

export async function openPostgresReader(url: string, schema: string): Promise<PostgresReader> {
  return new PostgresReader(new Database(url, schema, READER_CONNECTIONS));
}
