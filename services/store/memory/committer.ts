import { checkExpectation, mutationKey } from "../checks.ts";
import type { Expectation, Head, Key, Micros, Mutation, Revision } from "../store.ts";
import { liveVersion } from "./keys.ts";
import type { Tenant } from "./tenant.ts";

/** Applies one checked commit as the tenant's next revision. */
export function commit(
  tenant: Tenant,
  now: Micros,
  mutations: readonly Mutation[],
  expectations: readonly Expectation[],
): Head {
  for (const expectation of expectations) {
    checkExpectation(expectation, currentRevision(tenant, expectation.key));
  }
  const revision = tenant.head.revision + 1n;
  tenant.commits.push(mutations.map((mutation, ordinal) => ({ ordinal, ...apply(tenant, revision, mutation) })));
  const earliest = tenant.head.time + 1n;
  tenant.head = { revision, time: now > earliest ? now : earliest };
  tenant.times.push(tenant.head.time);
  return tenant.head;
}

function currentRevision(tenant: Tenant, key: Key): Revision {
  return liveVersion(tenant.histories.get(key), tenant.head.revision)?.revision ?? 0n;
}

function apply(
  tenant: Tenant,
  revision: Revision,
  mutation: Mutation,
): { revision: Revision; key: Key; deleted: boolean } {
  const history = tenant.histories.getOrAdd(mutationKey(mutation));
  const deleted = "delete" in mutation;
  history.versions.push(deleted ? { revision } : { revision, value: new Uint8Array(mutation.value) });
  return { revision, key: history.key, deleted };
}
