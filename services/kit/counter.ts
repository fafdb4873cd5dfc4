import type { Meter } from "@opentelemetry/api";

/** Counts what every message adds to: an addition each time, which becomes a metric when metrics are asked for. One for each name. */
export class Counter {
  readonly #counts = new Map<string, number>();

  /** @param attribute what is counted apart, e.g. "method"; absent for one count */
  constructor(meter: Meter, name: string, description: string, attribute?: string) {
    meter.createObservableCounter(name, { description }).addCallback((result) => {
      for (const [value, count] of this.#counts) {
        result.observe(count, attribute === undefined ? {} : { [attribute]: value });
      }
    });
  }

  /** @param value of the attribute */
  add(count: number, value = ""): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + count);
  }
}
