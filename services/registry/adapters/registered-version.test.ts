import { expect, test } from "vitest";
import { AdapterVersion, Method, PeftConfiguration } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RegisterVersionRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { Artifact } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { limits } from "../../kit/limits.ts";
import { type RegisteredParts, registeredVersion } from "./registered-version.ts";

const now = 1_774_752_000_000_000n;

const parts: RegisteredParts = {
  request: RegisterVersionRequest.create(),
  artifact: Artifact.create(),
  adapter: { peft: PeftConfiguration.create({ r: 8 }), method: Method.METHOD_LORA, files: [], servability: [] },
  baseModel: BaseModel.create({ name: "base", revision: "main" }),
  parent: undefined,
  data: {
    run: "run",
    snapshots: [],
    packageVersions: { peft: "0.18" },
    seed: 7n,
    configurationJson: '{"lr":1}',
    metrics: { loss: 2, accuracy: 0.5 },
  },
  signature: undefined,
  creator: "token",
  now,
};

const registered = (request: Partial<RegisterVersionRequest>) =>
  registeredVersion({ ...parts, request: RegisterVersionRequest.fromPartial(request) });

const training = (configurationJson: string) => ({
  training: { datasetName: "", sampleCount: 0n, epochs: 2, learningRate: 0, configurationJson },
});

test("what the request says goes before what the run says", () => {
  const { version, state } = registered({ metrics: { loss: 1 }, ...training("") });
  expect(version.provenance).toMatchObject({ run: "run", seed: 7n, packageVersions: { peft: "0.18" } });
  expect(version.provenance?.training).toMatchObject({ epochs: 2, configurationJson: '{"lr":1}' });
  expect(state.metrics).toEqual({
    loss: { value: 1, timeMicros: now, step: 0n },
    accuracy: { value: 0.5, timeMicros: now, step: 0n },
  });
  expect(registered(training('{"lr":2}')).version.provenance?.training?.configurationJson).toBe('{"lr":2}');
  expect(registered({}).version.provenance?.training).toMatchObject({ epochs: 0, configurationJson: '{"lr":1}' });
});

test("what can change of a version is in its state only", () => {
  const { version, state } = registered({ metadata: { a: "b" }, metrics: { loss: 1 } });
  expect([version.metadata, version.metrics]).toEqual([{}, {}]);
  expect(state).toMatchObject({ checked: true, verifyTimeMicros: now, metadata: { a: "b" } });
});

test("version_bytes at N and at N + 1", () => {
  const bytesWith = (count: number) =>
    AdapterVersion.encode(registered(training("x".repeat(count))).version).finish().length;
  const some = limits.version_bytes - 1000;
  const most = some + limits.version_bytes - bytesWith(some);
  expect(bytesWith(most)).toBe(limits.version_bytes);
  expect(() => bytesWith(most + 1)).toThrow("the limit version_bytes is");
});

test("a run's metrics have what room those of the request leave", () => {
  const first = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, number) => [`m${number}`, 1]));
  const ofRun = (metrics: Record<string, number>) =>
    ["loss", "accuracy"].filter((name) => name in registered({ metrics }).state.metrics);
  expect(ofRun(first(limits.version_metrics - 2))).toEqual(["loss", "accuracy"]);
  expect(ofRun(first(limits.version_metrics - 1))).toEqual(["loss"]);
  expect(ofRun({ ...first(limits.version_metrics - 2), accuracy: 1 })).toEqual(["loss", "accuracy"]);
  expect(ofRun(first(limits.version_metrics))).toEqual([]);
  expect(() => ofRun(first(limits.version_metrics + 1))).toThrow("version_metrics");
});
