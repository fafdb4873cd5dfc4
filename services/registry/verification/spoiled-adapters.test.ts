import { afterAll, describe, expect, test } from "vitest";
import { Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { expectDocumented } from "../../../test/support/error-reasons.ts";
import { folderFiles } from "../../../test/support/folder-files.ts";
import { readBase } from "../../../test/support/read-base.ts";
import { SpoiledAdapter } from "../../../test/support/spoiled/adapter.ts";
import { spoiledBase as base } from "../../../test/support/spoiled/case.ts";
import { spoiledCases } from "../../../test/support/spoiled/cases.ts";
import { ServiceError, statusOf } from "../../kit/errors.ts";
import { Inspections } from "./inspections.ts";
import { adapterProblems, type DeclaredAdapter, verifyAdapter } from "./verify-adapter.ts";

describe("spoiled adapters", () => {
  const inspections = new Inspections();
  afterAll(() => inspections[Symbol.asyncDispose]());

  const nothing: DeclaredAdapter = {
    method: Method.METHOD_UNSPECIFIED,
    quantization: undefined,
    signal: new AbortController().signal,
  };

  test.each(Object.entries(spoiledCases))(
    "%s",
    { timeout: 30_000 },
    async (_name, { spoil, declared, reason, says, metadata }) => {
      await using adapter = await SpoiledAdapter.make(base.name);
      const later = spoil?.(adapter);
      await adapter.write();
      if (typeof later === "function") await later();
      const asked = { ...nothing, ...declared };
      const fault = await verifyAdapter({ inspections }, folderFiles(adapter.folder), readBase(base), asked).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!(fault instanceof ServiceError)) throw fault;
      expect(fault).toMatchObject({ reason, metadata: metadata ?? {} });
      expect(fault.message).toMatch(says ?? /\.$/);
      expectDocumented(fault.reason, statusOf(fault.reason), Object.keys(fault.metadata));
      if (reason.startsWith("ADAPTER_") || reason.endsWith("MISMATCH")) {
        const found = await adapterProblems({ inspections }, folderFiles(adapter.folder), readBase(base), asked);
        expect(found.problems[0]).toEqual({ reason, message: fault.message });
        expect(found.adapter).toBeUndefined();
      }
    },
  );

  test("the good one is none of them", async () => {
    await using adapter = await SpoiledAdapter.make("/models/tiny");
    adapter.configure({ someone_elses: { kept: [1.0] } });
    await adapter.write();
    const verified = await verifyAdapter({ inspections }, folderFiles(adapter.folder), readBase(base), nothing);
    expect(verified.peft.configurationJson).toBe(adapter.file("adapter_config.json").toString());
    expect(verified).toMatchObject({ method: Method.METHOD_LORA, peft: { parameterCount: 64n, maximumRank: 2 } });
    const { problems, adapter: again } = await adapterProblems(
      { inspections },
      folderFiles(adapter.folder),
      readBase(base),
      {
        ...nothing,
        files: verified.files,
      },
    );
    expect(problems).toEqual([]);
    expect(again).toEqual(verified);
  });
});
