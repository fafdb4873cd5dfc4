import { setImmediate as turn } from "node:timers/promises";
import { keyText, mutationKey } from "../checks.ts";
import { MAX_COMMIT_BYTES } from "../limits.ts";
import { type Clock, type Head, type Revision, StoreError, type TenantId } from "../store.ts";
import { byteaArray } from "./bytea-array.ts";
import type { Connection, Database } from "./database.ts";
import { type Accepted, Numbering, type Request } from "./numbering.ts";

type Waiting = Request & PromiseWithResolvers<Head>;

/** Commits one tenant's requests of this process, in the order in which they came, as many at once as wait. */
export class Committer {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #tenant: TenantId;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(database: Database, clock: Clock, tenant: TenantId) {
    this.#database = database;
    this.#clock = clock;
    this.#tenant = tenant;
  }

  commit(request: Request): Promise<Head> {
    const waiting = { ...request, ...Promise.withResolvers<Head>() };
    this.#waiting.push(waiting);
    this.#running ??= this.#run();
    return waiting.promise;
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Those who were answered just now may commit again within this turn of the event loop.
      await turn();
      await this.#commitGroup(this.#takeGroup());
    }
    this.#running = undefined;
  }

  /** What waits, up to `MAX_COMMIT_BYTES`, or one larger request. */
  #takeGroup(): Waiting[] {
    let bytes = 0;
    const over = this.#waiting.findIndex((request) => {
      bytes += request.bytes;
      return bytes > MAX_COMMIT_BYTES;
    });
    return this.#waiting.splice(0, over === -1 ? this.#waiting.length : Math.max(1, over));
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#database.transaction((connection) => this.#write(connection, group));
      for (const [place, outcome] of outcomes.entries()) {
        if (outcome instanceof StoreError) group[place]?.reject(outcome);
        else group[place]?.resolve(outcome);
      }
    } catch (error) {
      for (const request of group) request.reject(error);
    }
  }

  async #write(connection: Connection, group: readonly Waiting[]): Promise<(Head | StoreError)[]> {
    const before = await lockHead(connection, this.#tenant);
    const current = await currentRevisions(connection, this.#tenant, group);
    const numbering = new Numbering(before, this.#clock, current);
    const outcomes = group.map((request) => numbering.accept(request));
    if (numbering.accepted.length > 0) await insert(connection, this.#tenant, numbering.accepted);
    return outcomes;
  }
}

const lockStatement = { name: "lock_head", text: "select revision, time from head where tenant = $1 for update" };

/** Every committer of the tenant, in every process, waits here. Statements after it see all that was committed before. */
async function lockHead(connection: Connection, tenant: TenantId): Promise<Head> {
  for (;;) {
    const [row] = await connection.query<{ revision: string; time: string }>(lockStatement, [tenant]);
    if (row) return { revision: BigInt(row.revision), time: BigInt(row.time) };
    await connection.query("insert into head values ($1, 0, 0) on conflict do nothing", [tenant]);
  }
}

const currentStatement = {
  name: "current_revisions",
  text: `
    select key, minus_revision from unnest($2::bytea[]) as expected (key), lateral (
      select minus_revision, value is null as deleted from entry
      where tenant = $1 and entry.key = expected.key
      order by minus_revision limit 1
    ) newest
    where not deleted`,
};

async function currentRevisions(
  connection: Connection,
  tenant: TenantId,
  group: readonly Request[],
): Promise<Map<string, Revision> | undefined> {
  const keys = group.flatMap(({ expectations }) => expectations.map(({ key }) => key));
  if (keys.length === 0) return undefined;
  const values = [tenant, byteaArray(keys)];
  const rows = await connection.query<{ key: Buffer; minus_revision: string }>(currentStatement, values);
  return new Map(rows.map(({ key, minus_revision }) => [keyText(key), -BigInt(minus_revision)]));
}

const insertStatement = {
  name: "insert",
  text: `
    with advanced as (
      update head set revision = $2, time = $3 where tenant = $1
    ), timed as (
      insert into commit_time (tenant, revision, time)
      select $1, revision, time from unnest($4::bigint[], $5::bigint[]) as commits (revision, time)
    )
    insert into entry (tenant, key, minus_revision, ordinal, value)
    select $1, key, -revision, ordinal, value
    from unnest($6::bytea[], $7::bigint[], $8::integer[], $9::bytea[]) as entries (key, revision, ordinal, value)`,
};

async function insert(connection: Connection, tenant: TenantId, accepted: readonly Accepted[]): Promise<void> {
  const head = (accepted.at(-1) as Accepted).head;
  const rows = accepted.flatMap(({ head: { revision }, mutations }) =>
    mutations.map((mutation, ordinal) => ({ revision, ordinal, mutation })),
  );
  await connection.query(insertStatement, [
    tenant,
    head.revision,
    head.time,
    accepted.map((one) => one.head.revision),
    accepted.map((one) => one.head.time),
    byteaArray(rows.map(({ mutation }) => mutationKey(mutation))),
    rows.map(({ revision }) => revision),
    rows.map(({ ordinal }) => ordinal),
    byteaArray(rows.map(({ mutation }) => ("put" in mutation ? mutation.value : undefined))),
  ]);
}
