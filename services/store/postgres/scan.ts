import { checkReadable } from "../checks.ts";
import { MAX_PAGE_BYTES } from "../limits.ts";
import type { Entry, Key, KeyRange, Page, Revision, ScanOptions, TenantId } from "../store.ts";
import type { Database } from "./database.ts";

/** What can be read, in the snapshot of the same statement. */
export const readable = `
  select coalesce((select revision from head where tenant = $1), 0) as newest,
         coalesce((select floor from history where tenant = $1), 0) as floor`;

interface ReadableRow {
  readonly newest: string;
  readonly floor: string;
}

export function checkRow(row: ReadableRow | undefined, revision: Revision | undefined): void {
  const newest = BigInt(row?.newest ?? 0);
  checkReadable(revision ?? newest, BigInt(row?.floor ?? 0), newest);
}

const getStatement = {
  name: "get",
  text: `
    with readable as (${readable})
    select newest, floor, minus_revision, value
    from readable left join lateral (
      select minus_revision, value from entry
      where tenant = $1 and key = $2 and minus_revision >= -coalesce($3::bigint, newest)
      order by minus_revision limit 1
    ) newest_version on true`,
};

interface EntryRow extends ReadableRow {
  readonly key: Buffer;
  readonly minus_revision: string;
  /** Null where there is no entry, or only the start of the next page. */
  readonly value: Buffer | null;
}

export async function get(database: Database, tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
  const [row] = await database.read<EntryRow>(getStatement, [tenant, key, at ?? null]);
  checkRow(row, at);
  if (!row?.value) return undefined;
  return { key: new Uint8Array(key), value: row.value, revision: -BigInt(row.minus_revision) };
}

/**
 * One page in one statement: the newest version of each key, without deletes, and of those one more than the limit.
 * Of what does not fit, the first comes without its value: the next page begins there. Values over about 2 kB lie
 * outside the row, and PostgreSQL knows their length without reading them.
 */
const scanStatement = (direction: "asc" | "desc") => ({
  name: `scan_${direction}`,
  text: `
    with readable as (${readable})
    select newest, floor, key, minus_revision, case when fits then value end as value
    from readable left join lateral (
      select *, place <= $5::integer and (place = 1 or bytes <= ${MAX_PAGE_BYTES}) as fits from (
        select key, minus_revision, value, octet_length(key) + octet_length(value) as size,
               row_number() over page as place, sum(octet_length(key) + octet_length(value)) over page as bytes
        from (
          select distinct on (key) key, minus_revision, value from entry
          where tenant = $1 and key >= $2 and key < $3 and minus_revision >= -coalesce($4::bigint, newest)
          order by key ${direction}, minus_revision
        ) versions
        where value is not null
        window page as (order by key ${direction} rows unbounded preceding)
        order by key ${direction}
        limit $5::integer + 1
      ) entries
      where place <= 2 or bytes - size <= ${MAX_PAGE_BYTES}
    ) page on true
    order by key ${direction}`,
});

const ascending = scanStatement("asc");
const descending = scanStatement("desc");

export async function scan(
  database: Database,
  tenant: TenantId,
  range: KeyRange,
  limit: number,
  { at, reverse = false }: ScanOptions,
): Promise<Page> {
  const values = [tenant, range.start, range.end, at ?? null, limit];
  const rows = await database.read<EntryRow>(reverse ? descending : ascending, values);
  checkRow(rows[0], at);
  const entries: Entry[] = [];
  for (const { key, minus_revision, value } of rows) {
    if (value) entries.push({ key, value, revision: -BigInt(minus_revision) });
  }
  const last = entries.at(-1);
  if (!last || entries.length === rows.length) return { entries };
  return { entries, next: reverse ? last.key : (rows[entries.length] as EntryRow).key };
}
