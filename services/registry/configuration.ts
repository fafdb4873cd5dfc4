import { isAbsolute } from "node:path";
import { z } from "zod";
import { type ConfigurationSources, readConfiguration, serverKeys } from "../kit/configuration.ts";

const folder = z.string().refine(isAbsolute, "not an absolute path");
const bucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
const placeInBucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^/]+)*$/);

/** Keys of the registry's configuration file; in the environment `LORALOOP_REGISTRY_<KEY IN CAPITALS>`. */
const schema = z.strictObject({
  ...serverKeys,
  store_schema: serverKeys.store_schema.default("loraloop_registry"),
  listen_port: serverKeys.listen_port.default(50_052),
  metrics_port: serverKeys.metrics_port.default(9_465),
  /** `host:port` of the export service; without it nothing that names a run or a snapshot is registered. */
  export_address: z.string().min(1).optional(),
  /** File with a token of the export service: of its tenant `system`, with the scopes `tenant.any`, `export.read`, `export.write` and `run.read`. */
  export_token_file: z.string().min(1).optional(),
  /** PEM file with the certificates that the export service's is checked with; without it the connection is not encrypted. */
  export_tls_ca_file: z.string().min(1).optional(),
  /** Seconds between two looks at what is held and deleted in the export service. */
  reconcile_seconds: z.number().positive().default(60),
  /** Seconds after which snapshots are released that a registration held, or a version that is not there. */
  orphan_hold_seconds: z.int().min(1).default(600),
  /** Where uploaded artifacts are kept. */
  artifact_store: z.enum(["disk", "s3"]).default("disk"),
  /** Folder of uploaded artifacts, and of uploads that are under way; `artifacts` in `data_directory` by default. */
  artifact_directory: z.string().min(1).optional(),
  /** Folders that `file:` URIs of artifacts may be below, `{tenant}` standing for the caller's tenant; none by default. Without it they are open to all tenants. */
  artifact_roots: z.array(folder).default([]),
  /** Bytes of all files of an artifact together, in GiB. */
  maximum_artifact_gib: z.number().positive().default(16),
  /** `http(s)://host:port` of an S3 service; Amazon's by default. Its credentials come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, AWS's configuration files, or the machine. */
  s3_endpoint: z.url().optional(),
  s3_region: z.string().min(1).default("us-east-1"),
  /** Bucket of uploaded artifacts, with `"artifact_store": "s3"`. */
  s3_bucket: bucket.optional(),
  /** Before the names of all objects in `s3_bucket`, without a `/` at its ends. */
  s3_prefix: z
    .string()
    .regex(/^([^/]+(\/[^/]+)*)?$/)
    .default(""),
  /** What `s3:` URIs of artifacts may name: `bucket` or `bucket/prefix`, `{tenant}` as in `artifact_roots`; none by default. */
  s3_roots: z.array(placeInBucket).default([]),
});

export type RegistryConfiguration = z.infer<typeof schema>;

/** What clients read: not part of the configuration, though it begins alike. */
const clientVariables = ["LORALOOP_REGISTRY_ADDRESS", "LORALOOP_REGISTRY_TOKEN"];

/** Reads the configuration of the registry. Throws ConfigurationError, which names the key. */
export function readRegistryConfiguration(
  sources: Omit<ConfigurationSources, "environmentPrefix" | "otherVariables">,
): RegistryConfiguration {
  return readConfiguration(schema, {
    ...sources,
    environmentPrefix: "LORALOOP_REGISTRY_",
    otherVariables: clientVariables,
  });
}
