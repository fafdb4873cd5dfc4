import type { Batch } from "@nxtedition/rocksdb";
import type { TenantId } from "../store.ts";
import { changedKey } from "./changes.ts";
import type { Database } from "./database.ts";
import { readFloor } from "./facts.ts";
import { afterVersions, changeKey, dataPrefix, floorSpan, isDeleted, tenantOf, versionBound } from "./keys.ts";

const changesPerStep = 200;
/** More than `changesPerStep`, so that a key's versions are gone before its changes are. */
const versionsPerStep = 1000;

/**
 * Frees what no readable revision sees, in small steps between commits: the changes up to the floor name
 * the keys with older versions. Versions and their changes go in one batch, so after a crash it just goes on.
 */
export class Sweeper {
  readonly #database: Database;
  readonly #batch: Batch;
  readonly #tenants = new Set<TenantId>();
  #next: NodeJS.Immediate | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#batch = database.batch();
  }

  /** Goes on where an earlier process stopped. */
  resume(): void {
    for (const key of this.#database.keys({ ...floorSpan, limit: -1 })) this.add(tenantOf(key));
  }

  add(tenant: TenantId): void {
    this.#tenants.add(tenant);
    this.#next ??= setImmediate(() => this.#run());
  }

  stop(): void {
    clearImmediate(this.#next);
  }

  #run(): void {
    this.#next = undefined;
    const [tenant] = this.#tenants;
    if (tenant === undefined) return;
    if (!this.#step(tenant)) this.#tenants.delete(tenant);
    if (this.#tenants.size > 0) this.#next = setImmediate(() => this.#run());
  }

  /** False when nothing is left, or when the disk fails: then the next compaction tries again. */
  #step(tenant: TenantId): boolean {
    try {
      return this.#sweepChanges(tenant);
    } catch {
      return false;
    } finally {
      this.#batch._clear();
    }
  }

  #sweepChanges(tenant: TenantId): boolean {
    const floor = Number(readFloor(this.#database, tenant));
    const { rows, finished } = this.#database.scan({
      gte: changeKey(tenant, 0, 0),
      lt: changeKey(tenant, floor + 1, 0),
      limit: changesPerStep,
    });
    if (rows.length === 0) return false;
    for (const prefix of changedPrefixes(tenant, rows)) this.#dropUnseen(prefix, floor);
    for (let index = 0; index < rows.length; index += 2) this.#batch._del(rows[index] as Buffer);
    this.#batch._writeSync({ sync: false });
    return !finished;
  }

  /** Keeps the newest version at the floor; a delete there goes with the last version that it hides. */
  #dropUnseen(prefix: Buffer, floor: number): void {
    const gte = versionBound(prefix, floor);
    const [newest, ...older] = this.#database.keys({ gte, lt: afterVersions(prefix), limit: versionsPerStep });
    for (const version of older) this.#batch._del(version);
    if (newest && isDeleted(newest) && older.length + 1 < versionsPerStep) this.#batch._del(newest);
  }
}

function changedPrefixes(tenant: TenantId, rows: readonly Buffer[]): Iterable<Buffer> {
  const prefixes = new Map<string, Buffer>();
  for (let index = 1; index < rows.length; index += 2) {
    const prefix = dataPrefix(tenant, changedKey(rows[index] as Buffer));
    prefixes.set(prefix.toString("latin1"), prefix);
  }
  return prefixes.values();
}
