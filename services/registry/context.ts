import { SchemaWorker } from "../kit/schema/schema-worker.ts";
import type { ServiceParts } from "../kit/start.ts";
import { Turns } from "../kit/turns.ts";
import { ConstraintPatterns } from "./adapters/constraint-patterns.ts";
import type { Artifacts } from "./artifacts/artifacts.ts";
import { openArtifacts } from "./artifacts/open-artifacts.ts";
import type { RegistryConfiguration } from "./configuration.ts";
import { Documents } from "./interchange/documents.ts";
import type { ExportAccess } from "./training/export-access.ts";
import { ExportClient } from "./training/export-client.ts";
import { keepReconciling } from "./training/reconciler.ts";
import { Inspections } from "./verification/inspections.ts";

/** What every handler and command of the registry gets. Each part opens in `openContext` and closes in reverse order. */
export interface RegistryContext extends ServiceParts {
  readonly configuration: RegistryConfiguration;
  /** Asks the export service about runs and snapshots, and holds these. */
  readonly exportClient: ExportClient;
  /** Checks the JSON Schemas that callers send. */
  readonly schemas: SchemaWorker;
  /** Checks the regular expressions that answers of adapters follow. */
  readonly patterns: ConstraintPatterns;
  /** The files of adapters. */
  readonly artifacts: Artifacts;
  /** Reads and checks adapters. */
  readonly inspections: Inspections;
  /** Reads and writes documents of others. */
  readonly documents: Documents;
  /** Whose turn it is to change an adapter, or a version. */
  readonly turns: Turns;
}

/** Opens what the service has beyond the kit; `stack` closes it after the last call has ended. */
export async function openContext(
  configuration: RegistryConfiguration,
  parts: ServiceParts,
  exportAccess: ExportAccess | undefined,
  stack: AsyncDisposableStack,
): Promise<RegistryContext> {
  const schemas = stack.use(new SchemaWorker());
  const patterns = stack.use(new ConstraintPatterns());
  const inspections = stack.use(new Inspections());
  const documents = stack.use(new Documents());
  const artifacts = await openArtifacts(configuration, parts, stack);
  const exportClient = new ExportClient(exportAccess);
  const turns = new Turns();
  const checks = { schemas, patterns, inspections };
  const context = { ...parts, ...checks, configuration, exportClient, artifacts, documents, turns };
  stack.use(keepReconciling(context));
  return context;
}
