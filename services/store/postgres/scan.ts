import { checkReadable } from "../checks.ts";
import { MAX_PAGE_BYTES } from "../limits.ts";
import { compareKeys } from "../range.ts";
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
  /** Null where nothing was found. */
  readonly key: Buffer;
  readonly minus_revision: string;
  /** Null where nothing was found, or only where the next page starts. */
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
 * Of what does not fit, the first comes without its value: the next page begins there.
 * Both directions walk the primary key only: forwards a key's newest version comes first, backwards it comes last.
 */
const scanStatement = (name: string, order: "asc" | "desc", neighbour: "lag" | "lead") => ({
  name,
  text: `
    with readable as (${readable})
    select newest, floor, key, minus_revision, case when fits then value end as value
    from readable left join lateral (
      select *, place <= $5::integer and (place = 1 or bytes <= ${MAX_PAGE_BYTES}) as fits from (
        select key, minus_revision, value, octet_length(key) + octet_length(value) as size,
               row_number() over page as place, sum(octet_length(key) + octet_length(value)) over page as bytes
        from (
          select key, minus_revision, value, ${neighbour}(key) over (order by key ${order}, minus_revision ${order}) as other
          from entry
          where tenant = $1 and key >= $2 and key < $3 and minus_revision >= -coalesce($4::bigint, newest)
        ) versions
        where other is distinct from key and value is not null
        window page as (order by key ${order} rows unbounded preceding)
        order by key ${order}
        limit $5::integer + 1
      ) entries
      where place <= 2 or bytes - size <= ${MAX_PAGE_BYTES}
    ) page on true`,
});

const ascending = scanStatement("scan", "asc", "lag");
const descending = scanStatement("scan_reverse", "desc", "lead");

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
  let next: Key | undefined;
  for (const { key, minus_revision, value } of sorted(rows, reverse)) {
    if (value) entries.push({ key, value, revision: -BigInt(minus_revision) });
    else if (key) next = reverse ? entries.at(-1)?.key : key;
  }
  return next ? { entries, next } : { entries };
}

/** They come in this order; only no outer `order by` says so, which would copy the values once more. */
function sorted(rows: EntryRow[], reverse: boolean): EntryRow[] {
  if (rows.length < 2) return rows;
  return rows.sort(reverse ? (a, b) => compareKeys(b.key, a.key) : (a, b) => compareKeys(a.key, b.key));
}
