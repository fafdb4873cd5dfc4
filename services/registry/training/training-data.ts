import type { Run } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { type Snapshot, Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { TrainingSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { RegistryContext } from "../context.ts";

type TrainingContext = Pick<RegistryContext, "exportClient">;

/** What a version says it was trained on. */
export interface TrainingSources {
  /** Id of a run; empty for none. */
  readonly run: string;
  /** Keys of snapshots beside the run's, or at least the first 8 digits of each. */
  readonly snapshots: readonly string[];
}

/** What the export service knows of a training. */
export interface TrainingData {
  readonly run: string;
  /** The run's and the others, each once. */
  readonly snapshots: TrainingSnapshot[];
  /** Of the run's environment, as the other fields; empty without a run. */
  readonly packageVersions: Record<string, string>;
  readonly seed: bigint;
  /** Hyper-parameters, as a JSON object. */
  readonly configurationJson: string;
  /** Newest values of the run's metrics, at most `version_metrics`. */
  readonly metrics: Record<string, number>;
}

/**
 * Looks up what a version was trained on. Rejects with EXPORT_UNAVAILABLE; RUN_NOT_FOUND; SNAPSHOT_NOT_FOUND, SNAPSHOT_BUILDING or SNAPSHOT_FAILED for a snapshot that nobody
 * can have been trained on; LIMIT_EXCEEDED (version_snapshots). Asks nobody where there is neither a run nor a snapshot.
 * @param tenant name of the caller's tenant
 */
export async function trainedOn(
  context: TrainingContext,
  tenant: string,
  { run, snapshots }: TrainingSources,
): Promise<TrainingData> {
  const found = run === "" ? undefined : await getRun(context, tenant, run);
  const sources = found?.sources.map(({ snapshot }) => snapshot) ?? [];
  const keys = [...new Set([...sources, ...snapshots])];
  if (keys.length > limits.version_snapshots) {
    throw limitExceeded("version_snapshots", keys.length, "The number of snapshots");
  }
  const read = await Promise.all(keys.map((key) => getSnapshot(context, tenant, key)));
  const environment = found?.environment;
  return {
    run,
    snapshots: [...new Map(read.map((snapshot) => [snapshot.snapshot, snapshot])).values()],
    packageVersions: environment?.packageVersions ?? {},
    seed: environment?.seed ?? 0n,
    configurationJson: environment?.configurationJson ?? "",
    metrics: metricsOf(found?.metrics ?? {}),
  };
}

async function getRun({ exportClient }: TrainingContext, tenant: string, run: string): Promise<Run | undefined> {
  return (await exportClient.call(tenant, ({ runs }, call) => runs.getRun({ run }, call))).run;
}

async function getSnapshot({ exportClient }: TrainingContext, tenant: string, key: string): Promise<TrainingSnapshot> {
  const { snapshot } = await exportClient.call(tenant, ({ exports }, call) =>
    exports.getSnapshot({ snapshot: key }, call),
  );
  if (snapshot?.state !== Snapshot_State.STATE_SEALED) throw notSealed(key, snapshot);
  return {
    snapshot: snapshot.key,
    digest: Buffer.from(snapshot.digest).toString("hex"),
    dataset: snapshot.dataset,
    datasetVersion: snapshot.datasetVersion,
    collection: snapshot.spec?.collection ?? "",
    revision: snapshot.revision,
    sampleCount: snapshot.statistics?.sampleCount ?? 0n,
  };
}

function notSealed(key: string, snapshot: Snapshot | undefined): ServiceError {
  if (snapshot?.state !== Snapshot_State.STATE_FAILED) {
    return new ServiceError("SNAPSHOT_BUILDING", `Snapshot ${key} is still being built.`, { snapshot: key });
  }
  const problem = snapshot.failure;
  const metadata = { snapshot: key, reason: "SNAPSHOT_FAILED", problem };
  return new ServiceError("SNAPSHOT_FAILED", `Snapshot ${key} failed: ${problem}`, metadata);
}

/** By name, under names that metrics have here: what else a name holds becomes `_`. */
function metricsOf(metrics: Readonly<Record<string, number>>): Record<string, number> {
  const named = Object.entries(metrics).map(([name, value]) => [metricName(name), value] as const);
  const known = named.filter(([name]) => name !== "").toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(known.slice(0, limits.version_metrics));
}

function metricName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_./-]/g, "_").replace(/^[^A-Za-z0-9]+/, "");
}
