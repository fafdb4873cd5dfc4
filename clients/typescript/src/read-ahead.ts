export interface ReadAheadOptions<Item> {
  readonly bytesOf: (item: Item) => number;
  /** Reading stops while so much waits; one item may always wait. */
  readonly maxBytes: number;
  /** Ends a read that is under way: the consumer has left. */
  readonly cancel: () => void;
}

/** The same items, read while the consumer is busy. */
export async function* readAhead<Item>(
  items: AsyncGenerator<Item>,
  options: ReadAheadOptions<Item>,
): AsyncGenerator<Item> {
  const reader = new Reader(items, options);
  const read = reader.run();
  // What it throws comes to the consumer after what was read before.
  read.catch(() => undefined);
  try {
    yield* reader.items();
    await read;
  } finally {
    reader.stop();
    options.cancel();
    await items.return(undefined).catch(() => undefined);
  }
}

class Reader<Item> {
  readonly #source: AsyncGenerator<Item>;
  readonly #options: ReadAheadOptions<Item>;
  readonly #waiting: Item[] = [];
  #bytes = 0;
  #ended = false;
  #change = Promise.withResolvers<void>();

  constructor(source: AsyncGenerator<Item>, options: ReadAheadOptions<Item>) {
    this.#source = source;
    this.#options = options;
  }

  async run(): Promise<void> {
    try {
      while (!this.#ended) {
        const { value, done } = await this.#source.next();
        if (done === true) return;
        this.#waiting.push(value);
        this.#bytes += this.#options.bytesOf(value);
        this.#changed();
        while (this.#isFull && !this.#ended) await this.#change.promise;
      }
    } finally {
      this.stop();
    }
  }

  get #isFull(): boolean {
    return this.#waiting.length > 0 && this.#bytes >= this.#options.maxBytes;
  }

  async *items(): AsyncGenerator<Item> {
    while (true) {
      const item = this.#waiting.shift();
      if (item !== undefined) {
        this.#bytes -= this.#options.bytesOf(item);
        this.#changed();
        yield item;
      } else if (this.#ended) return;
      else await this.#change.promise;
    }
  }

  stop(): void {
    this.#ended = true;
    this.#changed();
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}
