import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OutputConstraint, Provenance, TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { FindVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { versionText } from "../adapters/names.ts";
import { findVersions, type Origin } from "./find-versions.ts";

const MEBIBYTE = 1024 * 1024;
const snapshot = "ab".repeat(32);
let place: RegistryPlace;

beforeEach(async () => {
  place = await RegistryPlace.open("memory");
});
afterEach(() => place[Symbol.asyncDispose]());

/** What every page says, as `name` or `name < ancestor`. */
async function found(origin: Origin, limit: number): Promise<string[]> {
  const names: string[] = [];
  let position: Uint8Array | undefined;
  do {
    const page = await findVersions(place.context, registryCaller, { origin, limit, position });
    expect(page.versions.length).toBeLessThanOrEqual(limit);
    const bytes = FindVersionsResponse.encode({ versions: page.versions, nextPageToken: "" }).finish().length;
    expect(bytes).toBeLessThanOrEqual(4 * MEBIBYTE);
    names.push(...page.versions.map(({ name, inheritedFrom }) => [name, inheritedFrom].filter(Boolean).join(" < ")));
    position = page.next;
  } while (position !== undefined);
  return names;
}

async function make(adapter: string, said: { parent?: string; isTrained?: boolean; bytes?: number }): Promise<string> {
  const { parent = "", isTrained = false, bytes = 0 } = said;
  const snapshots = isTrained ? [TrainingSnapshot.create({ snapshot })] : [];
  const constraint = OutputConstraint.create({ constraint: { $case: "pattern", value: "x".repeat(bytes) } });
  const provenance = Provenance.create({ parent, snapshots, run: isTrained ? "the-run" : "" });
  return versionText(await place.makeVersion(adapter, { constraint, provenance }));
}

test("of a run, by what is the id of one", async () => {
  const run = `r${"-".repeat(126)}1`;
  await place.makeVersion("tone", { provenance: Provenance.create({ run }) });
  const of = (value: string) => found({ $case: "run", value }, 10);
  expect(await of(run)).toEqual(["tone@1"]);
  for (const other of ["", `${run}1`, "x".repeat(2000), "a\0b"]) {
    await expect(of(other)).rejects.toMatchObject({ reason: "FIELD_INVALID", metadata: { field: "run" } });
  }
});

test("what has a trained version as its ancestor comes too, below its nearest one, on pages of any size", async () => {
  await make("base", { isTrained: true });
  await make("child", { parent: "base@1" });
  await make("child", { parent: "child@1" });
  await make("again", { parent: "child@2", isTrained: true });
  await make("child", { parent: "again@1" });
  await make("alone", {});
  await make("child", { parent: "alone@1" });
  await make("apart", { parent: "base@1" });
  const all = ["again@1", "base@1", "child@3 < again@1", "apart@1 < base@1", "child@1 < base@1", "child@2 < base@1"];
  for (const limit of [1, 2, 3, 100]) {
    expect(await found({ $case: "snapshot", value: snapshot }, limit)).toEqual(all);
    expect(await found({ $case: "run", value: "the-run" }, limit)).toEqual(all);
  }
  expect(await found({ $case: "parent", value: "base@1" }, 100)).toEqual(["apart@1", "child@1"]);
});

test("of any forest each version once, those that were trained on it first", async () => {
  const version = fc.record({ parent: fc.nat(40), isTrained: fc.boolean(), adapter: fc.constantFrom("a", "ab", "b") });
  const forest = fc.array(version, { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(forest, fc.integer({ min: 1, max: 7 }), async (versions, limit) => {
      await place[Symbol.asyncDispose]();
      place = await RegistryPlace.open("memory");
      const names: string[] = [];
      const ancestors: string[] = [];
      for (const { parent, isTrained, adapter } of versions) {
        const name = await make(adapter, { parent: names[parent] ?? "", isTrained });
        ancestors.push(isTrained ? name : (ancestors[parent] ?? ""));
        names.push(name);
      }
      const expected = names.flatMap((name, place) => {
        const ancestor = ancestors[place] ?? "";
        return ancestor === "" ? [] : [ancestor === name ? name : `${name} < ${ancestor}`];
      });
      const told = await found({ $case: "snapshot", value: snapshot }, limit);
      expect([...told].sort()).toEqual(expected.sort());
      expect(told).toEqual([...told.filter((one) => !one.includes("<")), ...told.filter((one) => one.includes("<"))]);
    }),
    { numRuns: 50 },
  );
});

test("a long line of large versions, in pages no larger than what clients take", async () => {
  let parent = await make("line", { isTrained: true });
  for (let count = 0; count < 100; count += 1) parent = await make("line", { parent, bytes: MEBIBYTE / 16 });
  const told = await found({ $case: "snapshot", value: snapshot }, 1000);
  expect(told).toEqual(["line@1", ...Array.from({ length: 100 }, (_, place) => `line@${place + 2} < line@1`)]);
});
