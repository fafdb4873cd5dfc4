import { expect, test } from "vitest";
import { AdapterVersion, AdapterVersion_State as State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { versionLines } from "./describe-version.ts";
import { jsonVersion } from "./json-version.ts";

test.for([
  [true, "kept"],
  [false, "lies at"],
] as const)("of files that the registry keeps (%s) the place is where they are %s", ([kept, word]) => {
  const artifact = { uri: "s3://models/legal", kept };
  expect(versionLines(AdapterVersion.fromPartial({ artifact }))).toContain(`${word.padEnd(11)} s3://models/legal`);
});

const servability = [{ engine: "vllm", servable: true, problems: [], minimumMaxLoraRank: 16 }];
const servingLine = (version: AdapterVersion) => versionLines(version).filter((line) => line.startsWith("serving"));

test("a version in service is served by the engines that can", () => {
  const version = AdapterVersion.fromPartial({ state: State.STATE_READY, servability });
  expect(servingLine(version)).toEqual(["serving     vllm: yes, --max-lora-rank 16 or more"]);
  expect(jsonVersion(version)).toMatchObject({ servability });
});

test.for([
  [State.STATE_QUARANTINED, "it is quarantined"],
  [State.STATE_DECLARED, "its files were not checked yet"],
  [State.STATE_DELETED, "it is deleted"],
] as const)("a version in state %i is served by none: %s", ([state, problem]) => {
  const version = AdapterVersion.fromPartial({ state, servability });
  expect(servingLine(version)).toEqual([`serving     no: ${problem}`]);
  expect(jsonVersion(version)).toMatchObject({
    servability: [{ engine: "vllm", servable: false, problems: [problem] }],
  });
});

test("one of a thing is one", () => {
  const peft = { configurationJson: "{}", parameterCount: 1n, tensorTypes: ["F32"], layers: ["a"] };
  const snapshots = [{ snapshot: "ab".repeat(32), collection: "docs", sampleCount: 1n, revision: 3n }];
  const lines = versionLines(AdapterVersion.fromPartial({ peft, provenance: { snapshots } }));
  expect(lines).toContain("tensors     1 parameter in F32, 1 layer");
  expect(lines).toContain('trained on  abababababab  (unnamed) of "docs", 1 sample at revision 3');
  expect(lines.filter((line) => line.startsWith("metrics"))).toEqual([]);
});

test("of a shape that was only declared, what was said", () => {
  const lines = versionLines(AdapterVersion.fromPartial({ peft: { r: 16 } }));
  expect(lines).toContain("shape       rank 16");
  expect(lines.filter((line) => /^(targets|tensors)/.test(line))).toEqual([]);
  const more = versionLines(AdapterVersion.fromPartial({ peft: { r: 16, loraAlpha: 32, targetModules: ["q_proj"] } }));
  expect(more).toEqual(expect.arrayContaining(["shape       rank 16, alpha 32", "targets     q_proj"]));
});
