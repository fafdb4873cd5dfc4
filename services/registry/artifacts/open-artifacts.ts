import { join } from "node:path";
import { ConfigurationError } from "../../kit/configuration-error.ts";
import type { ServiceParts } from "../../kit/start.ts";
import type { RegistryConfiguration } from "../configuration.ts";
import { type LocatedFiles, outsideRoots, parseArtifactUri, rootsOf } from "./artifact-uri.ts";
import { Artifacts } from "./artifacts.ts";
import { checkRoots } from "./check-roots.ts";
import { FolderReader } from "./disk/folder-reader.ts";
import { openLocation } from "./disk/location.ts";
import { DiskArtifactStore } from "./disk/store.ts";
import type { S3 } from "./s3/open.ts";
import { Staging } from "./staging.ts";
import { keepSweepingArtifacts } from "./sweeper.ts";

const gib = 1024 ** 3;

/** Opens the artifacts of a configuration, and sweeps them until `stack` closes. Throws ConfigurationError. */
export async function openArtifacts(
  configuration: RegistryConfiguration,
  parts: ServiceParts,
  stack: AsyncDisposableStack,
): Promise<Artifacts> {
  const folder = configuration.artifact_directory ?? join(configuration.data_directory, "artifacts");
  checkRoots(configuration, folder);
  const s3 = await openS3(configuration);
  if (s3 !== undefined) stack.use(s3);
  const reader = stack.use(new FolderReader());
  const staging = new Staging(join(folder, "staging"), BigInt(Math.round(configuration.maximum_artifact_gib * gib)));
  const kept = keptIn(configuration, s3) ?? new DiskArtifactStore(folder, staging.folder, reader);
  const artifacts = new Artifacts({ ...parts, kept, staging, locate: locateIn(configuration, s3, reader) });
  const shared = configuration.store === "postgres";
  stack.use(keepSweepingArtifacts({ ...parts, artifacts, kept, staging, shared }));
  return artifacts;
}

/** Undefined where nothing is in S3. */
async function openS3(configuration: RegistryConfiguration): Promise<S3 | undefined> {
  const { artifact_store, s3_roots, s3_endpoint, s3_region } = configuration;
  if (artifact_store !== "s3" && s3_roots.length === 0) return undefined;
  const { openS3: open } = await import("./s3/open.ts");
  return open({ endpoint: s3_endpoint, region: s3_region });
}

/** Undefined where artifacts are kept on disk. */
function keptIn({ artifact_store, s3_bucket, s3_prefix }: RegistryConfiguration, s3: S3 | undefined) {
  if (artifact_store !== "s3") return undefined;
  if (s3_bucket !== undefined) return s3?.store(s3_bucket, s3_prefix);
  throw new ConfigurationError(`"s3_bucket" is missing, which "artifact_store": "s3" needs.`);
}

function locateIn(configuration: RegistryConfiguration, s3: S3 | undefined, reader: FolderReader) {
  return async (tenantName: string, uri: string): Promise<LocatedFiles> => {
    const { scheme, names } = parseArtifactUri(uri);
    if (scheme === "file") return openLocation(names, rootsOf(configuration.artifact_roots, tenantName), reader);
    if (s3 === undefined) throw outsideRoots(uri, "s3_roots");
    return s3.locate(names, rootsOf(configuration.s3_roots, tenantName));
  };
}
