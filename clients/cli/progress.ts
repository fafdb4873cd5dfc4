import cliProgress from "cli-progress";
import { bytes, count } from "./output.ts";

/** A bar with rate on a terminal's standard error; nothing elsewhere. */
export class Progress implements Disposable {
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #began = performance.now();

  readonly #amount: (value: number) => string;

  /** `total` 0 = unknown: counts without a bar. @param unit e.g. `records`; `bytes` are told as kB, MB, … */
  constructor(label: string, total: number, unit: string) {
    this.#amount = unit === "bytes" ? bytes : (value) => `${count(value)} ${unit}`;
    if (!process.stderr.isTTY) return;
    const shape = total > 0 ? " {bar} {percentage} %" : "";
    this.#bar = new cliProgress.SingleBar({
      format: `${label}${shape} · {done} · {rate}/s`,
      stream: process.stderr,
      hideCursor: true,
      fps: 8,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      clearOnComplete: true,
    });
    this.#bar.start(Math.max(total, 1), 0, { done: this.#amount(0), rate: this.#amount(0) });
  }

  update(done: number, records: number): void {
    const seconds = (performance.now() - this.#began) / 1000;
    const rate = Math.round(records / Math.max(seconds, 0.001));
    this.#bar?.update(done, { done: this.#amount(records), rate: this.#amount(rate) });
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
