import type { Change, ChangePage, TenantId } from "../store.ts";
import type { Database } from "./database.ts";
import { changeKey, changeOf } from "./keys.ts";

const deletedFlag = 1;

export function encodeChange(key: Uint8Array, deleted: boolean): Buffer {
  return Buffer.concat([Buffer.of(deleted ? deletedFlag : 0), key]);
}

export function changedKey(value: Buffer): Buffer {
  return value.subarray(1);
}

/** Whole commits after a revision up to the head: as many as fit the limit, at least one. */
export function readChanges(
  database: Database,
  tenant: TenantId,
  after: number,
  head: number,
  limit: number,
): ChangePage {
  const lt = changeKey(tenant, head + 1, 0);
  const gte = changeKey(tenant, after + 1, 0);
  const { rows, finished } = database.scan({ gte, lt, limit: limit + 1 });
  if (finished) return { changes: changesOf(rows), through: BigInt(head) };
  const cut = revisionAt(rows, rows.length - 2);
  if (revisionAt(rows, 0) === cut) return oneCommit(database, tenant, cut);
  const whole = changesOf(rows).filter(({ revision }) => revision < cut);
  return { changes: whole, through: BigInt(cut - 1) };
}

/** A commit of more changes than the limit. */
function oneCommit(database: Database, tenant: TenantId, revision: number): ChangePage {
  const { rows } = database.scan({
    gte: changeKey(tenant, revision, 0),
    lt: changeKey(tenant, revision + 1, 0),
    limit: -1,
  });
  return { changes: changesOf(rows), through: BigInt(revision) };
}

function changesOf(rows: readonly Buffer[]): Change[] {
  const changes: Change[] = [];
  for (let index = 0; index < rows.length; index += 2) {
    const { revision, ordinal } = changeOf(rows[index] as Buffer);
    const value = rows[index + 1] as Buffer;
    changes.push({
      revision: BigInt(revision),
      ordinal,
      key: changedKey(value),
      deleted: value[0] === deletedFlag,
    });
  }
  return changes;
}

function revisionAt(rows: readonly Buffer[], index: number): number {
  return changeOf(rows[index] as Buffer).revision;
}
