import type { Revision, Store, TenantId } from "../store/store.ts";
import { Notifier } from "./notifier.ts";

/** How often the head of a watched tenant is asked for where other processes commit too. */
const pollMillis = 50;
/** A wake-up that nothing should need. */
const longMillis = 60_000;

interface Watched {
  /** Newest revision that is known. */
  revision: Revision;
  readonly notifier: Notifier;
  waiting: number;
  readonly poll: NodeJS.Timeout | undefined;
}

/** Wakes whoever waits for the next commit of a tenant: commits of this process at once, those of others by looking. Holds what is waited for, nothing else. */
export class CommitWatch {
  readonly #store: Pick<Store, "head">;
  readonly #shared: boolean;
  readonly #watched = new Map<TenantId, Watched>();

  /** @param shared true where other processes commit to the store too */
  constructor(store: Pick<Store, "head">, shared: boolean) {
    this.#store = store;
    this.#shared = shared;
  }

  /** Call after each commit of this process. */
  committed(tenant: TenantId, revision: Revision): void {
    const watched = this.#watched.get(tenant);
    if (watched !== undefined) advance(watched, revision);
  }

  /** Resolves once the tenant's head is after `revision`, or when aborted. Rejects where the store cannot be asked. */
  async wait(tenant: TenantId, revision: Revision, signal: AbortSignal): Promise<void> {
    const watched = this.#enter(tenant);
    try {
      advance(watched, (await this.#store.head(tenant)).revision);
      while (watched.revision <= revision && !signal.aborted) await watched.notifier.wait(longMillis, signal);
    } finally {
      this.#leave(tenant, watched);
    }
  }

  #enter(tenant: TenantId): Watched {
    const watched = this.#watched.get(tenant) ?? {
      revision: 0n,
      notifier: new Notifier(),
      waiting: 0,
      poll: this.#shared ? setInterval(() => void this.#look(tenant), pollMillis) : undefined,
    };
    watched.waiting += 1;
    this.#watched.set(tenant, watched);
    return watched;
  }

  #leave(tenant: TenantId, watched: Watched): void {
    watched.waiting -= 1;
    if (watched.waiting > 0) return;
    clearInterval(watched.poll);
    this.#watched.delete(tenant);
  }

  /** A store that cannot be asked now is asked again. */
  async #look(tenant: TenantId): Promise<void> {
    await this.#store.head(tenant).then(
      ({ revision }) => this.committed(tenant, revision),
      () => undefined,
    );
  }
}

function advance(watched: Watched, revision: Revision): void {
  if (revision <= watched.revision) return;
  watched.revision = revision;
  watched.notifier.notify();
}
