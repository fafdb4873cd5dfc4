import cliProgress from "cli-progress";
import { count } from "./output.ts";

/** A bar with rate on a terminal's standard error; nothing elsewhere. */
export class Progress implements Disposable {
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #began = performance.now();

  /** `total` 0 = unknown: counts without a bar. */
  constructor(label: string, total: number, unit: string) {
    if (!process.stderr.isTTY) return;
    const shape = total > 0 ? " {bar} {percentage} %" : "";
    this.#bar = new cliProgress.SingleBar({
      format: `${label}${shape} · {records} ${unit} · {rate} ${unit}/s`,
      stream: process.stderr,
      hideCursor: true,
      fps: 8,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      clearOnComplete: true,
    });
    this.#bar.start(Math.max(total, 1), 0, { records: 0, rate: 0 });
  }

  update(done: number, records: number): void {
    const seconds = (performance.now() - this.#began) / 1000;
    this.#bar?.update(done, { records: count(records), rate: count(Math.round(records / Math.max(seconds, 0.001))) });
  }

  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
