import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import type { Entry, Expectation, Head, Mutation, TenantId } from "../../store/store.ts";
import { recordKey, touchedKey } from "../keys.ts";
import type { CheckedRecord } from "./check-record.ts";
import type { CorpusContext } from "./corpus-context.ts";
import { existingRecords } from "./existing-records.ts";
import { Slices } from "./slices.ts";
import { sameContent, toStored } from "./stored-record.ts";

export interface WritePlan {
  /** What it was made from. */
  readonly head: Head;
  /** Empty where nothing has to change. */
  readonly mutations: readonly Mutation[];
  /** That nobody changes, until the commit, what the plan was made from. */
  readonly expectations: readonly Expectation[];
  readonly unchangedCount: number;
}

/** What a commit must hold so that the collection has these records. Of records with one id the last wins. */
export async function planWrites(
  { store, clock }: CorpusContext,
  tenant: TenantId,
  collection: number,
  records: readonly CheckedRecord[],
): Promise<WritePlan> {
  const latest = new Map(records.map((record) => [record.id, record]));
  const head = await store.head(tenant);
  const existing = await existingRecords(store, tenant, collection, new Set(latest.keys()), head.revision);
  const now = clock.now();
  const mutations: Mutation[] = [];
  const slices = new Slices();
  for (const record of latest.values()) {
    const value = changedValue(record, existing.get(record.id), now);
    if (value) mutations.push({ put: recordKey(collection, record.id), value });
    await slices.done(record.fields.length);
  }
  const unchangedCount = latest.size - mutations.length;
  if (mutations.length > 0) mutations.push({ put: touchedKey(collection), value: new Uint8Array() });
  return { head, mutations, expectations: expectationsOf(existing), unchangedCount };
}

/** What to store; undefined where it would equal what is stored. */
function changedValue(record: CheckedRecord, existing: Entry | undefined, now: bigint): Uint8Array | undefined {
  const stored = existing && StoredRecord.decode(existing.value);
  if (stored && sameContent(stored, record)) return undefined;
  return StoredRecord.encode(toStored(record, stored?.createTimeMicros ?? now, now)).finish();
}

function expectationsOf(existing: ReadonlyMap<string, Entry>): Expectation[] {
  return Array.from(existing.values(), ({ key, revision }) => ({ key, revision }));
}
