import { clearScreenDown, moveCursor } from "node:readline";
import type { Run } from "../../typescript/src/index.ts";
import { count, print, printJson, time } from "../output.ts";
import { ConsumptionRate } from "./consumption-rate.ts";
import { lossText, positionText, readsText, stateText } from "./describe-run.ts";
import { jsonRun } from "./json-run.ts";
import { lossChart } from "./loss-chart.ts";

/** Shows a run again and again. */
export interface RunView {
  show(run: Run): void;
}

const CHART_HEIGHT = 10;
/** Beside the chart's axis. */
const CHART_MARGIN = 14;
const WIDEST_CHART = 100;

/** One line of JSON for each change. */
export class JsonView implements RunView {
  show(run: Run): void {
    printJson(jsonRun(run));
  }
}

/** One line for each change, for logs. */
export class LineView implements RunView {
  readonly #rate = new ConsumptionRate();

  show(run: Run): void {
    print(
      [time(run.updateTime), stateText(run), positionText(run), rateText(this.#rate.update(run)), stepText(run)].join(
        "  ",
      ),
    );
  }
}

/** A screen that is drawn over itself. */
export class ScreenView implements RunView {
  readonly #rate = new ConsumptionRate();
  readonly #screen: NodeJS.WriteStream;
  #lines = 0;

  constructor(screen: NodeJS.WriteStream) {
    this.#screen = screen;
  }

  show(run: Run): void {
    const width = Math.min(this.#screen.columns - CHART_MARGIN, WIDEST_CHART);
    const lines = [
      `${run.id}  ${stateText(run)}  ${readsText(run)}`,
      `${positionText(run)}  ${rateText(this.#rate.update(run))}  ${stepText(run)}`,
      ...lossChart(run.lossPoints, { width: Math.max(width, 10), height: CHART_HEIGHT }),
    ].map((line) => line.slice(0, this.#screen.columns));
    moveCursor(this.#screen, 0, -this.#lines);
    clearScreenDown(this.#screen);
    this.#screen.write(`${lines.join("\n")}\n`);
    this.#lines = lines.length;
  }
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? "- samples/s" : `${count(Math.round(rate))} samples/s`;
}

function stepText(run: Run): string {
  return `step ${run.consumed?.step ?? "-"}  loss ${lossText(run)}`;
}
