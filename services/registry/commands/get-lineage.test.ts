import { afterEach, beforeEach, expect, test } from "vitest";
import { OutputConstraint, Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { GetLineageResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { limits } from "../../kit/limits.ts";
import { versionText } from "../adapters/names.ts";
import { getLineage } from "./get-lineage.ts";

const MEBIBYTE = 1024 * 1024;
let place: RegistryPlace;

beforeEach(async () => {
  place = await RegistryPlace.open("memory");
});
afterEach(() => place[Symbol.asyncDispose]());

/** A version of that parent, so large in lists. */
function child(adapter: string, parent: string, bytes = 0) {
  const constraint = OutputConstraint.create({ constraint: { $case: "pattern", value: "x".repeat(bytes) } });
  return place.makeVersion(adapter, { constraint, provenance: Provenance.create({ parent }) });
}

const lineageOf = (version: number) => getLineage(place.context, registryCaller, { adapter: "line", version }, 0);

test("the nearest parents and the first children, as many as the limits say", async () => {
  for (let version = 0; version <= limits.lineage_parents + 1; version += 1) {
    await child("line", version === 0 ? "" : `line@${version}`);
  }
  const all = await lineageOf(limits.lineage_parents + 1);
  expect(all.parents).toHaveLength(limits.lineage_parents);
  const { parents } = await lineageOf(limits.lineage_parents + 2);
  expect(parents.map(versionText)).toEqual(all.parents.map(({ version }) => `line@${version + 1}`));
  for (let count = 0; count <= limits.lineage_children; count += 1) await child("other", "line@66");
  const { children } = await lineageOf(66);
  expect(children.map(({ version }) => version)).toEqual(children.map((_, place) => place + 1));
  expect(children).toHaveLength(limits.lineage_children);
});

test("an answer is no larger than what clients take", async () => {
  for (let version = 0; version < 31; version += 1) {
    await child("line", version === 0 ? "" : `line@${version}`, MEBIBYTE / 16);
  }
  for (let count = 0; count < 50; count += 1) await child("other", "line@31", MEBIBYTE / 16);
  const lineage = await lineageOf(31);
  const bytes = GetLineageResponse.encode(lineage).finish().length;
  expect(bytes).toBeLessThanOrEqual(4 * MEBIBYTE);
  expect(bytes).toBeGreaterThan(3.9 * MEBIBYTE);
  expect(lineage.parents).toHaveLength(30);
});
