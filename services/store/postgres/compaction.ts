import { checkReadable } from "../checks.ts";
import type { Micros, Pin, Revision, TenantId } from "../store.ts";
import type { Connection, Database } from "./database.ts";

interface PinRow {
  readonly id: string;
  readonly revision: string;
  readonly expires: string;
}

export async function pin(database: Database, tenant: TenantId, made: Pin): Promise<Pin> {
  await database.transaction(async (connection) => {
    const { floor, newest } = await lockHistory(connection, tenant);
    checkReadable(made.revision, floor, newest);
    await connection.query(
      `insert into pin (tenant, id, revision, expires) values ($1, $2, $3, $4)
       on conflict (tenant, id) do update set revision = excluded.revision, expires = excluded.expires`,
      [tenant, made.id, made.revision, made.expires],
    );
  });
  return made;
}

export async function unpin(database: Database, tenant: TenantId, id: string): Promise<void> {
  await database.transaction((connection) =>
    connection.query("delete from pin where tenant = $1 and id = $2", [tenant, id]),
  );
}

export async function livePins(database: Database, tenant: TenantId, now: Micros): Promise<Pin[]> {
  const rows = await database.read<PinRow>(
    "select id, revision, expires from pin where tenant = $1 and expires > $2 order by id",
    [tenant, now],
  );
  return rows.map(({ id, revision, expires }) => ({ id, revision: BigInt(revision), expires: BigInt(expires) }));
}

/** Raises the floor as far as live pins allow, then frees, in short transactions, what no readable revision sees. */
export async function compact(database: Database, tenant: TenantId, now: Micros, before: Revision): Promise<Revision> {
  const floor = await database.transaction((connection) => raiseFloor(connection, tenant, now, before));
  while (await database.transaction((connection) => sweep(connection, tenant)));
  return floor;
}

async function raiseFloor(connection: Connection, tenant: TenantId, now: Micros, before: Revision): Promise<Revision> {
  const { floor, newest } = await lockHistory(connection, tenant);
  checkReadable(before, 0n, newest);
  await connection.query("delete from pin where tenant = $1 and expires <= $2", [tenant, now]);
  const [row] = await connection.query<{ floor: string }>(
    `update history set floor = greatest(floor, least($2, (select min(revision) from pin where tenant = $1)))
     where tenant = $1 returning floor`,
    [tenant, before],
  );
  return BigInt(row?.floor ?? floor);
}

/** Changes that one transaction of a sweep looks at. */
const SWEEP_CHANGES = 2_000;

/**
 * Looks at the next changes up to the floor: each of them hides its key's older versions for good, and a delete then
 * hides nothing any more. Returns whether there is more.
 */
async function sweep(connection: Connection, tenant: TenantId): Promise<boolean> {
  const { floor, swept } = await lockHistory(connection, tenant);
  if (swept >= floor) return false;
  const [next] = await connection.query<{ minus_revision: string }>(
    `select minus_revision from entry where tenant = $1 and minus_revision < -$2::bigint and minus_revision >= -$3::bigint
     order by minus_revision desc, ordinal offset ${SWEEP_CHANGES} limit 1`,
    [tenant, swept, floor],
  );
  const through = next ? wholeCommits(swept, -BigInt(next.minus_revision)) : floor;
  await connection.query(
    `delete from entry older using entry newer
     where newer.tenant = $1 and newer.minus_revision < -$2::bigint and newer.minus_revision >= -$3::bigint
       and older.tenant = $1 and older.key = newer.key and older.minus_revision > newer.minus_revision`,
    [tenant, swept, through],
  );
  await connection.query(
    `delete from entry
     where tenant = $1 and minus_revision < -$2::bigint and minus_revision >= -$3::bigint and value is null`,
    [tenant, swept, through],
  );
  await connection.query("update history set swept = $2 where tenant = $1", [tenant, through]);
  return through < floor;
}

/** Up to the commit before the one that was cut, or through it where it is the first. */
function wholeCommits(swept: Revision, cut: Revision): Revision {
  return cut > swept + 1n ? cut - 1n : cut;
}

interface History {
  readonly floor: Revision;
  readonly swept: Revision;
  readonly newest: Revision;
}

/** Pins and compactions of the tenant, in every process, wait here for each other; commits do not. */
async function lockHistory(connection: Connection, tenant: TenantId): Promise<History> {
  await connection.query("insert into history values ($1, 0, 0) on conflict do nothing", [tenant]);
  const [history] = await connection.query<{ floor: string; swept: string }>(
    "select floor, swept from history where tenant = $1 for update",
    [tenant],
  );
  const [head] = await connection.query<{ revision: string }>("select revision from head where tenant = $1", [tenant]);
  return {
    floor: BigInt(history?.floor ?? 0),
    swept: BigInt(history?.swept ?? 0),
    newest: BigInt(head?.revision ?? 0),
  };
}
