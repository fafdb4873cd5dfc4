import { HealthState } from "nice-grpc-server-health";
import type { Logger } from "pino";
import { type Store, StoreError } from "../store/store.ts";

/** A key of the system's tenant that is written to see whether the store writes again. */
const probeKey = Buffer.from("health-probe");
const probeMillis = 2_000;

/** SERVING until a store fails or the server stops; SERVING again once all stores that failed take commits. */
export class Health implements Disposable {
  readonly state: HealthState = HealthState();
  #services = [""];
  readonly #log: Logger;
  /** Of the stores that failed. */
  readonly #probes = new Map<Store, NodeJS.Timeout>();
  #stopping = false;

  constructor(log: Logger) {
    this.#log = log;
    this.state.setMaxListeners(0);
  }

  /** @param services full names, which a client may ask for one by one beside the whole server */
  serve(services: readonly string[]): void {
    this.#services = ["", ...services];
    this.#set(this.#probes.size === 0 ? "healthy" : "unhealthy");
  }

  stop(): void {
    this.#stopping = true;
    for (const probe of this.#probes.values()) clearInterval(probe);
    this.#set("unhealthy");
  }

  /** Call with whatever a store rejected with. */
  storeRejected(error: unknown, store: Store): void {
    const failed = error instanceof StoreError && (error.code === "UNAVAILABLE" || error.code === "DATA_LOSS");
    if (!failed || this.#probes.has(store) || this.#stopping) return;
    this.#log.error({ err: error }, "the store failed");
    this.#set("unhealthy");
    this.#probes.set(store, setInterval(() => void this.#tryStore(store), probeMillis).unref());
  }

  async #tryStore(store: Store): Promise<void> {
    try {
      await store.commit(0, [{ put: probeKey, value: new Uint8Array() }]);
    } catch {
      return;
    }
    const probe = this.#probes.get(store);
    if (this.#stopping || probe === undefined) return;
    clearInterval(probe);
    this.#probes.delete(store);
    this.#log.info("the store works again");
    if (this.#probes.size === 0) this.#set("healthy");
  }

  #set(status: "healthy" | "unhealthy"): void {
    for (const service of this.#services) this.state.setStatus(status, service);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
