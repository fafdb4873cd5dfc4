import { expect, test } from "vitest";
import { Provenance } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { findVersions } from "./find-versions.ts";

test("of a run, by what is the id of one", async () => {
  await using place = await RegistryPlace.open("memory");
  const run = `r${"-".repeat(126)}1`;
  await place.makeVersion("tone", { provenance: Provenance.create({ run }) });
  const of = (value: string) =>
    findVersions(place.context, registryCaller, { origin: { $case: "run", value }, limit: 10, position: undefined });
  expect((await of(run)).versions.map(({ name }) => name)).toEqual(["tone@1"]);
  for (const other of ["", `${run}1`, "x".repeat(2000), "a\0b"]) {
    await expect(of(other)).rejects.toMatchObject({ reason: "FIELD_INVALID", metadata: { field: "run" } });
  }
});
