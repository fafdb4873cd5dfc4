import type { Meter } from "@opentelemetry/api";
import type { Logger } from "pino";
import type { PageTokens } from "../kit/page-token.ts";
import type { Clock, Store } from "../store/store.ts";
import type { ExportConfiguration } from "./configuration.ts";

/** What every handler and command of the export service gets. Each part opens in `openContext` and closes in reverse order. */
export interface ExportContext {
  readonly configuration: ExportConfiguration;
  readonly store: Store;
  readonly clock: Clock;
  /** Blocks live below it. */
  readonly dataDirectory: string;
  readonly log: Logger;
  readonly metrics: Meter;
  readonly pageTokens: PageTokens;
}

export interface ContextParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Meter;
  readonly pageTokens: PageTokens;
}

/** Opens what the service has beyond the kit; `stack` closes it after the last call has ended. */
export async function openContext(
  configuration: ExportConfiguration,
  parts: ContextParts,
  _stack: AsyncDisposableStack,
): Promise<ExportContext> {
  return { configuration, dataDirectory: configuration.data_directory, ...parts };
}
