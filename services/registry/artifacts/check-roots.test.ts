import { expect, test } from "vitest";
import { ConfigurationError } from "../../kit/configuration-error.ts";
import { readRegistryConfiguration } from "../configuration.ts";
import { checkRoots } from "./check-roots.ts";

function check(values: Record<string, unknown>): void {
  const configuration = readRegistryConfiguration({ values: { data_directory: "/var/registry", ...values } });
  checkRoots(configuration, configuration.artifact_directory ?? "/var/registry/artifacts");
}

test.each([
  { artifact_roots: ["/var/registry"] },
  { artifact_roots: ["/srv", "/var"] },
  { artifact_roots: ["/var/registry/artifacts/t1"] },
  { artifact_roots: ["/var/{tenant}"] },
  { artifact_roots: ["/srv/adapters"], artifact_directory: "/srv/adapters/kept" },
  { artifact_store: "s3", s3_bucket: "kept", s3_roots: ["kept"] },
  { artifact_store: "s3", s3_bucket: "kept", s3_prefix: "registry", s3_roots: ["kept/registry/t1"] },
  { artifact_store: "s3", s3_bucket: "kept", s3_roots: ["kept/{tenant}"] },
])("%j would show what the registry keeps", (values) => {
  expect(() => check(values)).toThrow(ConfigurationError);
});

test.each([
  {},
  { artifact_roots: ["/var/registry-in", "/srv/{tenant}"] },
  { artifact_store: "s3", s3_bucket: "kept", s3_prefix: "registry", s3_roots: ["kept/in", "other/{tenant}"] },
])("%j keeps apart what is the registry's", (values) => {
  expect(() => check(values)).not.toThrow();
});
