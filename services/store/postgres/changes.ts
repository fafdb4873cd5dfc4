import type { Change, ChangePage, Revision, TenantId } from "../store.ts";
import type { Database } from "./database.ts";
import { checkRow, readable } from "./scan.ts";

const changesStatement = {
  name: "changes",
  text: `
    with readable as (${readable})
    select newest, floor, minus_revision, ordinal, key, deleted
    from readable left join lateral (
      select minus_revision, ordinal, key, value is null as deleted from entry
      where tenant = $1 and minus_revision < -$2::bigint and minus_revision >= -coalesce($3::bigint, newest)
      order by minus_revision desc, ordinal
      limit $4::integer
    ) changes on true
    order by minus_revision desc, ordinal`,
};

interface ChangeRow {
  readonly newest: string;
  readonly floor: string;
  readonly minus_revision: string | null;
  readonly ordinal: number;
  readonly key: Buffer;
  readonly deleted: boolean;
}

/** Whole commits after a revision: as many as fit the limit, at least one. */
export async function changes(
  database: Database,
  tenant: TenantId,
  after: Revision,
  limit: number,
): Promise<ChangePage> {
  const { found, newest } = await read(database, tenant, after, null, limit + 1);
  if (found.length <= limit) return { changes: found, through: newest };
  const cut = found.at(-1)?.revision ?? newest;
  if (cut > after + 1n) return { changes: found.filter(({ revision }) => revision < cut), through: cut - 1n };
  const whole = await read(database, tenant, after, cut, null);
  return { changes: whole.found, through: cut };
}

async function read(
  database: Database,
  tenant: TenantId,
  after: Revision,
  through: Revision | null,
  limit: number | null,
): Promise<{ found: Change[]; newest: Revision }> {
  const rows = await database.read<ChangeRow>(changesStatement, [tenant, after, through, limit]);
  checkRow(rows[0], after);
  return { found: rows.flatMap(change), newest: BigInt(rows[0]?.newest ?? 0) };
}

function change({ minus_revision, ordinal, key, deleted }: ChangeRow): Change[] {
  return minus_revision === null ? [] : [{ revision: -BigInt(minus_revision), ordinal, key, deleted }];
}
