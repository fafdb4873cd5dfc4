import { DatasetSpec } from "../../../../proto/gen/loraloop/export/v1/dataset.ts";
import { type Snapshot, Snapshot_State } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredSnapshot } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../../kit/encoded.ts";
import { fromTimestamp } from "../../../kit/timestamp.ts";
import type { TenantId } from "../../../store/store.ts";
import { compileSelection } from "../../rendering/selection.ts";
import { isExpired } from "../expiry.ts";
import { Mutex } from "../mutex.ts";
import { hexOf } from "../snapshot-key.ts";
import { changeSnapshot } from "../stored-snapshots.ts";
import { Build, type BuildServices } from "./build.ts";
import { isLeasedToOther, withLease } from "./lease.ts";

export interface BuildsOptions extends BuildServices {
  readonly dataDirectory: string;
  /** True where other processes use the same store, so that another holder's lease counts. */
  readonly sharedStore: boolean;
}

/** The builds of this process. */
export class Builds {
  readonly #options: BuildsOptions;
  readonly #running = new Map<string, Build>();
  readonly #taking = new Mutex();
  #closed = false;

  constructor(options: BuildsOptions) {
    this.#options = options;
  }

  running(tenant: TenantId, key: Uint8Array): Build | undefined {
    return this.#running.get(nameOf(tenant, key));
  }

  /** The running build of a snapshot; starts or goes on with one that nobody builds. Undefined where another process does, or nothing is to do. */
  take(tenant: TenantId, key: Uint8Array): Promise<Build | undefined> {
    return this.#taking.run(async () => {
      const running = this.running(tenant, key);
      if (running !== undefined || this.#closed) return running;
      const { holder, clock, store } = this.#options;
      let taken = false;
      const stored = await changeSnapshot(store, tenant, key, (found) => {
        taken = this.canTake(found);
        return taken ? withLease(found, holder, clock.now()) : undefined;
      });
      return taken && stored !== undefined ? this.#start(tenant, key, stored) : undefined;
    });
  }

  /** True where a snapshot is to be built and no other process is at it. */
  canTake(stored: StoredSnapshot): boolean {
    const { holder, clock, sharedStore } = this.#options;
    const now = clock.now();
    const leased = sharedStore && isLeasedToOther(stored, holder, now);
    return stored.snapshot?.state === Snapshot_State.STATE_BUILDING && !leased && !isExpired(stored, now);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#taking.run(async () => undefined);
    await Promise.all([...this.#running.values()].map((build) => build.stop()));
  }

  #start(tenant: TenantId, key: Uint8Array, stored: StoredSnapshot): Build {
    const { spec, asOf } = stored.snapshot as Snapshot;
    const specBytes = encoded(DatasetSpec, spec as DatasetSpec);
    const build = new Build(this.#options, {
      kept: stored.ttlSeconds === 0,
      assemble: {
        tenant,
        snapshot: key,
        holder: this.#options.holder,
        dataDirectory: this.#options.dataDirectory,
        spec: specBytes,
        conditions: compileSelection(spec?.selection, spec?.splits).conditions,
      },
      render: {
        tenant,
        collection: stored.collectionNumber,
        at: stored.readRevision,
        spec: specBytes,
        asOf: fromTimestamp(asOf as NonNullable<typeof asOf>, "as_of"),
      },
    });
    const name = nameOf(tenant, key);
    this.#running.set(name, build);
    void build.ended.then(() => this.#running.delete(name));
    return build;
  }
}

function nameOf(tenant: TenantId, key: Uint8Array): string {
  return `${tenant}/${hexOf(key)}`;
}
