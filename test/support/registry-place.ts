import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metrics } from "@opentelemetry/api";
import { AdapterVersion } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredVersionState } from "../../proto/gen/loraloop/storage/v1/registry.ts";
import type { Caller } from "../../services/kit/call.ts";
import { CommitWatch } from "../../services/kit/commit-watch.ts";
import { observeStore } from "../../services/kit/observed-store.ts";
import { PageTokens } from "../../services/kit/page-token.ts";
import { Turns } from "../../services/kit/turns.ts";
import { type Changes, noChanges, together } from "../../services/registry/adapters/changes.ts";
import { parseVersionName } from "../../services/registry/adapters/names.ts";
import { planVersions } from "../../services/registry/adapters/new-versions.ts";
import { useParent } from "../../services/registry/adapters/parent.ts";
import type { VersionName } from "../../services/registry/keys.ts";
import { openStore, type StoreConfig } from "../../services/store/open-store.ts";
import { retryAborted } from "../../services/store/retry-aborted.ts";
import type { Clock, Store } from "../../services/store/store.ts";
import { configOf } from "./stores.ts";

/** Who calls in tests without a server. */
export const registryCaller: Caller = {
  tenant: 1,
  tenantName: "default",
  tokenId: "tester",
  scopes: new Set(["admin"]),
};

/** What the registry's commands need that read and write no files, over one store of a kind. */
export class RegistryPlace implements AsyncDisposable {
  now: bigint = BigInt(Date.now()) * 1000n;
  readonly clock: Clock = { now: () => this.now };
  readonly turns: Turns = new Turns();
  readonly pageTokens: PageTokens = new PageTokens(randomBytes(32));
  readonly store: Store;
  readonly commits: CommitWatch;
  readonly #folder: string;

  private constructor(folder: string, opened: Store, isShared: boolean) {
    this.#folder = folder;
    this.commits = new CommitWatch(opened, isShared);
    this.store = observeStore(opened, {
      meter: metrics.getMeter("test"),
      rejected: () => undefined,
      committed: (tenant, revision) => this.commits.committed(tenant, revision),
    });
  }

  static async open(kind: StoreConfig["kind"]): Promise<RegistryPlace> {
    const folder = await mkdtemp(join(tmpdir(), "loraloop-registry-"));
    return new RegistryPlace(folder, await openStore(configOf(kind, folder)), kind === "postgres");
  }

  /** Makes the next version of an adapter as a registration commits it, without files. */
  makeVersion(adapter: string, said: Partial<AdapterVersion> = {}): Promise<VersionName> {
    const state = StoredVersionState.create({ checked: true, metadata: said.metadata ?? {} });
    const version = AdapterVersion.create({ ...said, metadata: {} });
    return retryAborted(async () => {
      const versions = [{ version, state, request: "" }];
      const planned = await planVersions(this.store, 1, { adapter, creator: "tester", now: this.now, versions });
      const changes = together(planned, await this.#parent(version));
      await this.store.commit(1, changes.mutations, changes.expectations);
      return planned.names[0] as VersionName;
    });
  }

  passSeconds(seconds: number): void {
    this.now += BigInt(seconds) * 1_000_000n;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }

  async #parent({ provenance }: AdapterVersion): Promise<Changes> {
    const parent = provenance?.parent ?? "";
    return parent === "" ? noChanges : useParent(this.store, 1, parseVersionName(parent));
  }
}
