import { expect, test } from "vitest";
import { ConfigurationError } from "../kit/configuration-error.ts";
import { readRegistryConfiguration } from "./configuration.ts";

const values = { data_directory: "/data" };

test("a registry has ports and tables of its own, and no artifacts but those uploaded", () => {
  expect(readRegistryConfiguration({ values })).toMatchObject({
    listen_port: 50_052,
    metrics_port: 9_465,
    store_schema: "loraloop_registry",
    artifact_store: "disk",
    artifact_roots: [],
    s3_roots: [],
  });
});

test("lists come from the environment as JSON; what clients read there is left alone", () => {
  const environment = {
    LORALOOP_REGISTRY_ADDRESS: "registry:50052",
    LORALOOP_REGISTRY_TOKEN: "x",
    LORALOOP_REGISTRY_ARTIFACT_ROOTS: '["/mnt/adapters"]',
    LORALOOP_REGISTRY_S3_ROOTS: '["models"]',
  };
  expect(readRegistryConfiguration({ values, environment })).toMatchObject({
    artifact_roots: ["/mnt/adapters"],
    s3_roots: ["models"],
  });
});

test.each([
  ["artifact_roots", ["adapters"], "not an absolute path"],
  ["artifact_store", "tape", '"disk"|"s3"'],
  ["s3_bucket", "Not_A_Bucket", "must match pattern"],
  ["s3_endpoint", "nowhere", "Invalid URL"],
  ["maximum_artifact_gib", 0, ">0"],
  ["adress", "x", "no such key"],
])("a bad %s is named", (key, value, problem) => {
  const read = () => readRegistryConfiguration({ values: { ...values, [key]: value } });
  expect(read).toThrow(ConfigurationError);
  expect(read).toThrow(`"${key}": `);
  expect(read).toThrow(problem);
});
