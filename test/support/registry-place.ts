import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metrics } from "@opentelemetry/api";
import { pino } from "pino";
import { AdapterVersion } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import { UploadArtifactRequest } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModel } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { StoredVersionState } from "../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../services/kit/call.ts";
import { CommitWatch } from "../../services/kit/commit-watch.ts";
import { observeStore } from "../../services/kit/observed-store.ts";
import { PageTokens } from "../../services/kit/page-token.ts";
import { toTimestamp } from "../../services/kit/timestamp.ts";
import { noChanges, together } from "../../services/registry/adapters/changes.ts";
import { parseVersionName } from "../../services/registry/adapters/names.ts";
import { planVersions } from "../../services/registry/adapters/new-versions.ts";
import { useParent } from "../../services/registry/adapters/parent.ts";
import { registerBaseModel } from "../../services/registry/commands/register-base-model.ts";
import { uploadArtifact } from "../../services/registry/commands/upload-artifact.ts";
import { readRegistryConfiguration } from "../../services/registry/configuration.ts";
import { openContext, type RegistryContext } from "../../services/registry/context.ts";
import type { VersionName } from "../../services/registry/keys.ts";
import { systemClock } from "../../services/store/clock.ts";
import { openStore, type StoreConfig } from "../../services/store/open-store.ts";
import { retryAborted } from "../../services/store/retry-aborted.ts";
import type { Clock, Store } from "../../services/store/store.ts";
import { toStream, uploadMessages } from "./artifacts.ts";
import { configOf } from "./stores.ts";
import { tinyAdapter, tinyBaseModel } from "./tiny-adapter.ts";

/** Who calls in tests without a server. */
export const registryCaller: Caller = {
  tenant: 1,
  tenantName: "default",
  tokenId: "tester",
  scopes: new Set(["admin"]),
};

/** The registry's context over one store of a kind, without a server and an export service. Its clock goes on and can be set ahead. */
export class RegistryPlace implements AsyncDisposable {
  readonly context: RegistryContext;
  readonly store: Store;
  readonly #open: AsyncDisposableStack;
  readonly #ahead: { micros: bigint };

  private constructor(context: RegistryContext, open: AsyncDisposableStack, ahead: { micros: bigint }) {
    this.context = context;
    this.store = context.store;
    this.#open = open;
    this.#ahead = ahead;
  }

  /** @param config of a store of that kind that others use too; a new one by default */
  static async open(kind: StoreConfig["kind"], config?: StoreConfig): Promise<RegistryPlace> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "loraloop-registry-"));
    stack.defer(() => rm(folder, { recursive: true }));
    const ahead = { micros: 0n };
    const clock: Clock = { now: () => systemClock.now() + ahead.micros };
    const opened = await openStore(config ?? configOf(kind, folder), clock);
    stack.defer(() => opened.close());
    const commits = new CommitWatch(opened, kind === "postgres");
    const meter = metrics.getMeter("test");
    const store = observeStore(opened, {
      meter,
      rejected: () => undefined,
      committed: commits.committed.bind(commits),
    });
    const parts = {
      store,
      commits,
      clock,
      log: pino({ level: "silent" }),
      metrics: meter,
      pageTokens: new PageTokens(randomBytes(32)),
      tenants: async () => [1],
      namedTenants: async () => [{ name: registryCaller.tenantName, number: registryCaller.tenant }],
    };
    const configuration = readRegistryConfiguration({ values: { data_directory: folder } });
    const context = await openContext(configuration, parts, undefined, stack);
    return new RegistryPlace(context, stack.move(), ahead);
  }

  /** Makes the next version of an adapter as a registration commits it, without files. */
  makeVersion(adapter: string, said: Partial<AdapterVersion> = {}): Promise<VersionName> {
    const state = StoredVersionState.create({ checked: true, metadata: said.metadata ?? {} });
    const createTime = toTimestamp(this.context.clock.now());
    const version = AdapterVersion.create({ createTime, ...said, metadata: {} });
    return retryAborted(async () => {
      const parent = version.provenance?.parent ?? "";
      const child = parent === "" ? undefined : await useParent(this.store, 1, parseVersionName(parent));
      const inherited = { ...state, inheritedDeletedData: child?.inheritedDeletedData };
      const versions = [{ version, state: inherited, request: "" }];
      const now = this.context.clock.now();
      const planned = await planVersions(this.store, 1, { adapter, creator: "tester", now, versions });
      const changes = together(planned, child ?? noChanges);
      await this.store.commit(1, changes.mutations, changes.expectations);
      return planned.names[0] as VersionName;
    });
  }

  /** Keeps an adapter's files, with its base model; their digest. */
  async keepAdapter(): Promise<string> {
    const model = "tiny/model";
    await registerBaseModel(this.context, 1, BaseModel.create(tinyBaseModel(model)), "tester");
    const files = Object.fromEntries(tinyAdapter(model).map(({ path, bytes }) => [path, bytes]));
    const messages = uploadMessages(files).map((message) => UploadArtifactRequest.fromPartial(message).message);
    return (await uploadArtifact(this.context, 1, toStream(messages))).digest;
  }

  passSeconds(seconds: number): void {
    this.#ahead.micros += BigInt(seconds) * 1_000_000n;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#open.disposeAsync();
  }
}
