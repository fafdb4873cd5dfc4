import { Counter } from "../kit/counter.ts";
import { SchemaWorker } from "../kit/schema/schema-worker.ts";
import type { ServiceParts } from "../kit/start.ts";
import { Turns } from "../kit/turns.ts";
import type { ExportConfiguration } from "./configuration.ts";
import { FieldsWorker } from "./corpus/fields-worker.ts";
import { keepSweepingIngests } from "./corpus/ingest-sweeper.ts";
import { Plans } from "./plan/plans.ts";
import { type ExporterRegistry, loadExporters } from "./rendering/exporter-registry.ts";
import { LossBatches } from "./runs/loss-batches.ts";
import { RunTurns } from "./runs/run-turns.ts";
import { Snapshots } from "./snapshot/snapshots.ts";
import { StreamMemory } from "./stream/stream-memory.ts";

/** What every handler and command of the export service gets. Each part opens in `openContext` and closes in reverse order. */
export interface ExportContext extends ServiceParts {
  readonly configuration: ExportConfiguration;
  /** Blocks live below it. */
  readonly dataDirectory: string;
  /** The formats of samples, plugins included. */
  readonly exporters: ExporterRegistry;
  /** Checks the JSON Schemas that callers send. */
  readonly schemas: SchemaWorker;
  /** Normalises the JSON of records. */
  readonly fields: FieldsWorker;
  /** Whose turn it is to delete records of a collection: two at once would make each other's commits fail. */
  readonly deletionTurns: Turns;
  /** Builds, reads and sweeps snapshots. */
  readonly snapshots: Snapshots;
  /** In which order they are read. */
  readonly plans: Plans;
  /** Whose turn it is to change a run. */
  readonly runTurns: RunTurns;
  /** Losses that wait to be kept. */
  readonly lossBatches: LossBatches;
  /** What the frames of all streams may take. */
  readonly streamMemory: StreamMemory;
  /** Samples that streams have sent. */
  readonly samplesSent: Counter;
}

/** Opens what the service has beyond the kit; `stack` closes it after the last call has ended. */
export async function openContext(
  configuration: ExportConfiguration,
  parts: ServiceParts,
  stack: AsyncDisposableStack,
): Promise<ExportContext> {
  const exporters = await loadExporters(configuration.plugins_directory);
  const schemas = stack.use(new SchemaWorker());
  const fields = stack.use(new FieldsWorker());
  const dataDirectory = configuration.data_directory;
  stack.use(keepSweepingIngests(parts));
  const snapshots = stack.use(
    new Snapshots({
      ...parts,
      dataDirectory,
      pluginsDirectory: configuration.plugins_directory,
      renderThreads: configuration.rendering_threads,
      streamSnapshotsGib: configuration.stream_snapshots_gib,
      sharedStore: configuration.store === "postgres",
    }),
  );
  const streamMemory = new StreamMemory(configuration.stream_memory_mib);
  const samplesSent = new Counter(parts.metrics, "loraloop_samples_sent", "In frames of streams.");
  const plans = new Plans(() => context);
  const runTurns = new RunTurns();
  const context = {
    configuration,
    dataDirectory,
    exporters,
    schemas,
    fields,
    deletionTurns: new Turns(),
    snapshots,
    plans,
    runTurns,
    lossBatches: new LossBatches(runTurns),
    streamMemory,
    samplesSent,
    ...parts,
  };
  return context;
}
