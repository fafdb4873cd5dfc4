import { expect, test } from "vitest";
import { Dataset } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { encoded } from "./encoded.ts";

function named(name: string): Dataset {
  return Dataset.fromPartial({ name });
}

test("gives what the generated encoder gives, whatever came before", () => {
  for (const name of ["a", "b".repeat(1_000_000), "c", ""]) {
    expect(encoded(Dataset, named(name))).toEqual(Dataset.encode(named(name)).finish());
  }
});

test("the bytes are memory of their own", () => {
  const first = encoded(Dataset, named("first"));
  const copy = Buffer.from(first);
  encoded(Dataset, named("other"));
  expect(Buffer.from(first)).toEqual(copy);
  expect(first.byteLength).toBe(first.buffer.byteLength);
});

test("a message that cannot be encoded leaves nothing behind", () => {
  const broken = { ...named("broken"), version: Number.NaN };
  expect(() => encoded(Dataset, broken)).toThrow();
  expect(encoded(Dataset, named("whole"))).toEqual(Dataset.encode(named("whole")).finish());
});
