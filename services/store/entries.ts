import type { Entry, Key, KeyRange, StoreReader, TenantId } from "./store.ts";

/** All entries of a range, page after page. */
export async function* entries(
  store: Pick<StoreReader, "scan">,
  tenant: TenantId,
  range: KeyRange,
): AsyncGenerator<Entry> {
  let start: Key | undefined = range.start;
  while (start) {
    const page = await store.scan(tenant, { start, end: range.end });
    yield* page.entries;
    start = page.next;
  }
}
