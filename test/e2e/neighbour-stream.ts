import type { Client } from "../../clients/typescript/src/index.ts";

/** Streams a snapshot again and again and expects the same bytes each time, while others misbehave. */
export class NeighbourStream {
  /** Whole streams so far. */
  rounds = 0;
  readonly #client: Client;
  readonly #snapshot: string;
  readonly #controller = new AbortController();
  readonly #ended: Promise<void>;

  constructor(client: Client, snapshot: string) {
    this.#client = client;
    this.#snapshot = snapshot;
    this.#ended = this.#run();
    // It is awaited at the end.
    this.#ended.catch(() => undefined);
  }

  /** Throws where one of the streams was cut, failed or differed. */
  async stop(): Promise<void> {
    this.#controller.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const first = await this.#read();
    while (!this.#controller.signal.aborted) {
      if (!(await this.#read()).equals(first)) throw new Error("A stream of the neighbour differed.");
      this.rounds += 1;
    }
  }

  /** In one call: a reconnect would hide what happened. */
  async #read(): Promise<Buffer> {
    const source = { source: { $case: "snapshot", value: this.#snapshot } } as const;
    const parts: Uint8Array[] = [];
    let ended = false;
    for await (const { frame } of this.#client.export.streamSamples({ source, batchSize: 50 })) {
      if (frame?.$case === "batch") parts.push(frame.value.lines);
      ended = frame?.$case === "footer";
    }
    if (!ended) throw new Error("A stream of the neighbour was cut off.");
    return Buffer.concat(parts);
  }
}
