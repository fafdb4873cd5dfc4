import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "../../clients/typescript/src/index.ts";
import type { Random } from "../data/random.ts";
import type { Fields } from "../data/real-data.ts";

/** Changes and deletes records of a collection, again and again, whether or not the server is there, until it is disposed. */
export class Neighbour implements AsyncDisposable {
  /** Acknowledged. */
  writes = 0;
  readonly #client: Client;
  readonly #collection: string;
  readonly #records: readonly Fields[];
  readonly #random: Random;
  readonly #controller = new AbortController();
  readonly #ended: Promise<void>;

  constructor(client: Client, collection: string, records: readonly Fields[], random: Random) {
    this.#client = client;
    this.#collection = collection;
    this.#records = records;
    this.#random = random;
    this.#ended = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#controller.signal.aborted) {
      try {
        await this.#change();
        this.writes += 1;
        await delay(20);
      } catch {
        // The server is away just now.
        await delay(100);
      }
    }
  }

  async #change(): Promise<void> {
    const chosen = Array.from({ length: 5 }, () => this.#random.pick(this.#records));
    const collection = this.#collection;
    const options = { signal: this.#controller.signal };
    if (this.#random.next() < 0.5) {
      await this.#client.corpus.deleteRecords({ collection, ids: chosen.map(({ id }) => id) }, options);
      return;
    }
    const records = new Map(chosen.map(({ id }) => [id, { id, fieldsJson: JSON.stringify({ id, text: "changed" }) }]));
    await this.#client.corpus.upsertRecords({ collection, records: [...records.values()] }, options);
  }
}
