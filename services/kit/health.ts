import { HealthState } from "nice-grpc-server-health";
import type { Logger } from "pino";
import { type Store, StoreError } from "../store/store.ts";

/** A key of the system's tenant that is written to see whether the store writes again. */
const probeKey = Buffer.from("health-probe");
const probeMillis = 2_000;

/** SERVING until the store fails or the server stops; SERVING again once the store takes a commit. */
export class Health implements Disposable {
  readonly state: HealthState = HealthState();
  #services = [""];
  readonly #log: Logger;
  #probe: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(log: Logger) {
    this.#log = log;
    this.state.setMaxListeners(0);
  }

  /** @param services full names, which a client may ask for one by one beside the whole server */
  serve(services: readonly string[]): void {
    this.#services = ["", ...services];
    this.#set(this.#probe === undefined ? "healthy" : "unhealthy");
  }

  stop(): void {
    this.#stopping = true;
    clearInterval(this.#probe);
    this.#set("unhealthy");
  }

  /** Call with whatever the store rejected with. */
  storeRejected(error: unknown, store: Store): void {
    const failed = error instanceof StoreError && (error.code === "UNAVAILABLE" || error.code === "DATA_LOSS");
    if (!failed || this.#probe !== undefined || this.#stopping) return;
    this.#log.error({ err: error }, "the store failed");
    this.#set("unhealthy");
    this.#probe = setInterval(() => void this.#tryStore(store), probeMillis).unref();
  }

  async #tryStore(store: Store): Promise<void> {
    try {
      await store.commit(0, [{ put: probeKey, value: new Uint8Array() }]);
    } catch {
      return;
    }
    if (this.#stopping || this.#probe === undefined) return;
    clearInterval(this.#probe);
    this.#probe = undefined;
    this.#log.info("the store works again");
    this.#set("healthy");
  }

  #set(status: "healthy" | "unhealthy"): void {
    for (const service of this.#services) this.state.setStatus(status, service);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
