import { MessageChannel, type MessagePort } from "node:worker_threads";
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
import { randomId } from "../format.ts";
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
import { changes } from "./changes.ts";
import { commit } from "./committer.ts";
import { compact, livePins, pin } from "./compaction.ts";
import { get, scan } from "./scan.ts";
import { servePort } from "./serve-port.ts";
import { newTenant, type Tenant, tenantBytes } from "./tenant.ts";

/** Keeps everything in this process's memory and forgets it when closed. */
export class MemoryStore implements Store {
  readonly identity: StoreIdentity = { storeId: randomId(), incarnation: randomId() };
  readonly #clock: Clock;
  readonly #tenants = new Map<TenantId, Tenant>();
  readonly #ports = new Set<MessagePort>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
    checkKey(key);
    return get(this.#tenant(tenant), key, at);
  }

  async scan(tenant: TenantId, range: KeyRange, options: ScanOptions = {}): Promise<Page> {
    checkRange(range);
    return scan(this.#tenant(tenant), range, pageLimit(options.limit), options);
  }

  async head(tenant: TenantId): Promise<Head> {
    return this.#tenant(tenant).head;
  }

  async timeOf(tenant: TenantId, revision: Revision): Promise<Micros> {
    const { head, times } = this.#tenant(tenant);
    checkReadable(revision, 0n, head.revision);
    return times[Number(revision) - 1] ?? 0n;
  }

  async floor(tenant: TenantId): Promise<Revision> {
    return this.#tenant(tenant).floor;
  }

  async commit(
    tenant: TenantId,
    mutations: readonly Mutation[],
    expectations: readonly Expectation[] = [],
  ): Promise<Head> {
    checkCommit(mutations, expectations);
    return commit(this.#tenant(tenant), this.#clock.now(), mutations, expectations);
  }

  async changes(tenant: TenantId, after: Revision, limit?: number): Promise<ChangePage> {
    return changes(this.#tenant(tenant), after, changesLimit(limit));
  }

  async pin(tenant: TenantId, id: string, revision: Revision, ttlSeconds: number): Promise<Pin> {
    checkPin(id, ttlSeconds);
    return pin(this.#tenant(tenant), this.#clock.now(), id, revision, ttlSeconds);
  }

  async unpin(tenant: TenantId, id: string): Promise<void> {
    this.#tenant(tenant).pins.delete(id);
  }

  async pins(tenant: TenantId): Promise<readonly Pin[]> {
    return livePins(this.#tenant(tenant), this.#clock.now());
  }

  async compact(tenant: TenantId, before: Revision): Promise<Revision> {
    return compact(this.#tenant(tenant), this.#clock.now(), before);
  }

  share(): StoreShare {
    const { port1, port2 } = new MessageChannel();
    this.#ports.add(port1);
    port1.on("close", () => this.#ports.delete(port1));
    servePort(this, port1);
    return { kind: "memory", port: port2 };
  }

  async size(): Promise<number> {
    return this.#tenants.values().reduce((bytes, tenant) => bytes + tenantBytes(tenant), 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tenants.clear();
    for (const port of this.#ports) port.close();
  }

  #tenant(id: TenantId): Tenant {
    if (this.#closed) throw storeClosed();
    checkTenant(id);
    const known = this.#tenants.get(id);
    if (known) return known;
    const made = newTenant();
    this.#tenants.set(id, made);
    return made;
  }
}
