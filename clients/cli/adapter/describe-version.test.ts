import { expect, test } from "vitest";
import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { versionLines } from "./describe-version.ts";

test.for([
  [true, "kept"],
  [false, "lies at"],
] as const)("of files that the registry keeps (%s) the place is where they are %s", ([kept, word]) => {
  const artifact = { uri: "s3://models/legal", kept };
  expect(versionLines(AdapterVersion.fromPartial({ artifact }))).toContain(`${word.padEnd(11)} s3://models/legal`);
});
