import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { encoded } from "../../kit/encoded.ts";
import { Slices } from "../../kit/slices.ts";
import type { Entry, Expectation, Head, Key, Micros, Mutation, TenantId } from "../../store/store.ts";
import { subjectKey, touchedKey } from "../keys.ts";
import type { CheckedRecord } from "./check-record.ts";
import type { CorpusContext } from "./corpus-context.ts";
import { existingRecords, recordKeys } from "./existing-records.ts";
import { sameContent, toStored } from "./stored-record.ts";

export interface WritePlan {
  /** What it was made from. */
  readonly head: Head;
  /** Empty where nothing has to change. */
  readonly mutations: readonly Mutation[];
  /** That, until the commit, nobody changes the records that it found. */
  readonly expectations: readonly Expectation[];
  readonly unchangedCount: number;
}

interface Changed {
  readonly record: CheckedRecord;
  readonly mutation: Mutation;
}

/** What a commit must hold so that the collection has these records. Of records with one id the last wins. */
export async function planWrites(
  { store, clock }: CorpusContext,
  tenant: TenantId,
  collection: number,
  records: readonly CheckedRecord[],
): Promise<WritePlan> {
  const head = await store.head(tenant);
  if (records.length === 0) return { head, mutations: [], expectations: [], unchangedCount: 0 };
  const keys = recordKeys(
    collection,
    records.map(({ id }) => id),
  );
  const existing = await existingRecords(store, tenant, keys, head.revision);
  const changed = await changedRecords(records, keys, existing, clock.now());
  const mutations: Mutation[] = changed.map(({ mutation }) => mutation);
  if (changed.length > 0)
    mutations.push({ put: touchedKey(collection), value: new Uint8Array() }, ...subjectsOf(collection, changed));
  const expectations = Array.from(existing.values(), ({ key, revision }) => ({ key, revision }));
  return { head, mutations, expectations, unchangedCount: keys.size - changed.length };
}

/** Whose records these are, for who looks for them later. */
function subjectsOf(collection: number, changed: readonly Changed[]): Mutation[] {
  const owned = changed.filter(({ record }) => record.subject !== "");
  return owned.map(({ record }) => ({
    put: subjectKey(record.subject, collection, record.id),
    value: new Uint8Array(),
  }));
}

async function changedRecords(
  records: readonly CheckedRecord[],
  keys: ReadonlyMap<string, Key>,
  existing: ReadonlyMap<string, Entry>,
  now: Micros,
): Promise<Changed[]> {
  const latest = new Map(records.map((record) => [record.id, record]));
  const changed: Changed[] = [];
  const slices = new Slices();
  for (const [id, put] of keys) {
    const record = latest.get(id) as CheckedRecord;
    const stored = decoded(existing.get(id));
    if (!stored || !sameContent(stored, record)) {
      const value = encoded(StoredRecord, toStored(record, stored?.createTimeMicros ?? now, now));
      changed.push({ record, mutation: { put, value } });
    }
    await slices.done(record.fields.length);
  }
  return changed;
}

function decoded(entry: Entry | undefined): StoredRecord | undefined {
  return entry && StoredRecord.decode(entry.value);
}
