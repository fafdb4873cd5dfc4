import type { MessagePort } from "node:worker_threads";
import { storeClosed } from "../checks.ts";
import {
  type Entry,
  type Key,
  type KeyRange,
  type Page,
  type Revision,
  type ScanOptions,
  StoreError,
  type StoreReader,
  type TenantId,
} from "../store.ts";
import type { Call, PortError, Response } from "./messages.ts";

/** Asks the store in the thread that owns it. */
export class MemoryReader implements StoreReader {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<Entry | Page | undefined>>();
  #nextId = 0;
  #closed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (response: Response) => this.#receive(response));
    port.on("close", () => this.#abandon());
    port.unref();
  }

  get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined> {
    return this.#ask({ method: "get", tenant, key: new Uint8Array(key), at }) as Promise<Entry | undefined>;
  }

  scan(tenant: TenantId, range: KeyRange, options?: ScanOptions): Promise<Page> {
    const copy = { start: new Uint8Array(range.start), end: new Uint8Array(range.end) };
    return this.#ask({ method: "scan", tenant, range: copy, options }) as Promise<Page>;
  }

  async close(): Promise<void> {
    this.#port.close();
    this.#abandon();
  }

  async #ask(call: Call): Promise<Entry | Page | undefined> {
    if (this.#closed) throw storeClosed();
    const waiting = Promise.withResolvers<Entry | Page | undefined>();
    const id = this.#nextId++;
    this.#waiting.set(id, waiting);
    this.#port.ref();
    this.#port.postMessage({ id, call });
    return waiting.promise;
  }

  #receive(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if (this.#waiting.size === 0) this.#port.unref();
    if ("result" in response) waiting?.resolve(response.result);
    else waiting?.reject(storeError(response.error));
  }

  #abandon(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.reject(storeClosed());
    this.#waiting.clear();
  }
}

function storeError({ code, message, details }: PortError): StoreError {
  return new StoreError(code, message, details);
}
