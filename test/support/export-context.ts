import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metrics } from "@opentelemetry/api";
import { pino } from "pino";
import { readExportConfiguration } from "../../services/export/configuration.ts";
import { type ExportContext, openContext } from "../../services/export/context.ts";
import { tenantNumberKey } from "../../services/kit/auth/keys.ts";
import { namedTenants, tenantNumbers } from "../../services/kit/auth/tenants.ts";
import { CommitWatch } from "../../services/kit/commit-watch.ts";
import { PageTokens } from "../../services/kit/page-token.ts";
import { systemClock } from "../../services/store/clock.ts";
import type { Clock, Store } from "../../services/store/store.ts";

export interface TestContext extends AsyncDisposable {
  readonly context: ExportContext;
}

export interface TestContextOptions {
  readonly store: Store;
  /** Kept at the end; a new folder that is removed at the end by default. */
  readonly dataDirectory?: string;
  readonly clock?: Clock;
  readonly renderThreads?: number;
  /** True where another context uses the same store at the same time. */
  readonly sharedStore?: boolean;
  readonly streamSnapshotsGib?: number;
}

/** What commands of the export service get, over a store of the caller, without a server. Tenants 1 and 2 exist. */
export async function openTestContext(options: TestContextOptions): Promise<TestContext> {
  await using stack = new AsyncDisposableStack();
  const { store, clock = systemClock } = options;
  const dataDirectory = options.dataDirectory ?? (await temporaryFolder(stack));
  if ((await store.get(0, tenantNumberKey)) === undefined) {
    await store.commit(0, [{ put: tenantNumberKey, value: Uint8Array.of(0, 0, 0, 2) }]);
  }
  const configuration = readExportConfiguration({
    environment: {
      LORALOOP_EXPORT_DATA_DIRECTORY: dataDirectory,
      LORALOOP_EXPORT_RENDERING_THREADS: String(options.renderThreads ?? 2),
      ...(options.streamSnapshotsGib && { LORALOOP_EXPORT_STREAM_SNAPSHOTS_GIB: String(options.streamSnapshotsGib) }),
      LORALOOP_EXPORT_STORE: options.sharedStore ? "postgres" : "memory",
    },
  });
  const parts = {
    store,
    clock,
    log: pino({ level: "silent" }),
    metrics: metrics.getMeter("test"),
    pageTokens: new PageTokens(randomBytes(32)),
    tenants: () => tenantNumbers({ store, clock }),
    namedTenants: () => namedTenants({ store, clock }),
    commits: new CommitWatch(store, options.sharedStore ?? false),
  };
  const context = await openContext(configuration, parts, stack);
  const open = stack.move();
  return { context, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function temporaryFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-snapshot-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
