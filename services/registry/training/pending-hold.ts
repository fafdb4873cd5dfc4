import { randomUUID } from "node:crypto";
import type { RegistryContext } from "../context.ts";
import { holderPrefix } from "./holders.ts";
import type { Owner } from "./holds.ts";

/** A hold of snapshots under a name of its own, which ends by itself `orphan_hold_seconds` after the last of them was held. */
export class PendingHold {
  readonly #context: RegistryContext;
  readonly #tenant: string;
  readonly #signal: AbortSignal;
  readonly #holder: string;
  #isHolding = false;

  constructor(context: RegistryContext, { tenantName }: Owner, signal: AbortSignal) {
    this.#context = context;
    this.#tenant = tenantName;
    this.#signal = signal;
    this.#holder = `${holderPrefix(context.store)}pending/${randomUUID()}`;
  }

  /** Holds these too, all of them or none. @param snapshots keys, at most `held_snapshots`. Rejects as ExportClient does, or with the signal's reason. */
  async hold(snapshots: readonly string[]): Promise<void> {
    if (snapshots.length === 0) return;
    const { exportClient, configuration } = this.#context;
    const timeToLiveSeconds = configuration.orphan_hold_seconds;
    const asked = { holder: this.#holder, snapshots: [...snapshots], timeToLiveSeconds };
    await exportClient
      .until(this.#signal)
      .call(this.#tenant, ({ exports }, call) => exports.holdSnapshots(asked, call));
    this.#isHolding = true;
  }

  /** Ends it now. Never rejects. */
  async release(): Promise<void> {
    if (!this.#isHolding) return;
    const { exportClient, log } = this.#context;
    const holder = this.#holder;
    await exportClient
      .call(this.#tenant, ({ exports }, call) => exports.releaseSnapshots({ holder }, call))
      .catch((error: Error) => log.warn({ err: error, holder }, "a hold ends by itself"));
  }
}
