import type { FindSnapshotsRequest } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { entries } from "../../store/entries.ts";
import { prefixRange } from "../../store/range.ts";
import type { Key, StoreReader, TenantId } from "../../store/store.ts";
import { subjectKey } from "../keys.ts";

/** What is looked for: a record, or all of a subject. */
export type Origin = NonNullable<FindSnapshotsRequest["origin"]>;

/** A record that is looked for. */
export interface OriginRecord {
  readonly id: string;
  /** Of a subject: its place among all of them. */
  readonly place: Key;
}

const nowhere: Key = new Uint8Array();

/** The records of one collection that are looked for, also those that are gone; of a subject from a place on. */
export async function* recordsOf(
  store: StoreReader,
  tenant: TenantId,
  {
    origin,
    collection,
    start,
  }: { readonly origin: Origin; readonly collection: number; readonly start: Key | undefined },
): AsyncGenerator<OriginRecord> {
  if (origin.$case === "record") {
    yield { id: origin.value.record, place: nowhere };
    return;
  }
  const prefix = subjectKey(origin.value.subject, collection, "");
  const range = prefixRange(prefix);
  for await (const { key } of entries(store, tenant, { start: start ?? range.start, end: range.end })) {
    yield { id: Buffer.from(key).toString("utf8", prefix.length), place: key };
  }
}
