import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Bench } from "./bench.ts";
import type { Figure, Measurement } from "./figure.ts";
import { dropFigure } from "./figures/drop.ts";
import { eventLoopFigure } from "./figures/event-loop.ts";
import { firstPassFigure } from "./figures/first-pass.ts";
import { firstSampleFigure } from "./figures/first-sample.ts";
import { millionFigure } from "./figures/million.ts";
import { pythonLoopFigure } from "./figures/python-loop.ts";
import { schemaFigure } from "./figures/schema.ts";
import { stalledReadersFigure } from "./figures/stalled-readers.ts";
import { statisticsFigure } from "./figures/statistics.ts";
import { tableOf } from "./table.ts";

/** `npm run bench -- [NAME…] [--json FILE] [--quick]`: see docs/benchmarks.md. */

const figures: readonly Figure[] = [
  firstPassFigure,
  dropFigure,
  pythonLoopFigure,
  firstSampleFigure,
  schemaFigure,
  statisticsFigure,
  eventLoopFigure,
  stalledReadersFigure,
  millionFigure,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, quick: { type: "boolean", default: false } },
});
const names = figures.flatMap((figure) => figure.names);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no figure ${unknown.join(", ")}; there are:\n  ${names.join("\n  ")}`);
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const measurements = await measureAll();
console.log(`\n${tableOf(measurements)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(byFigure(measurements), undefined, 2)}\n`);

async function measureAll(): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "loraloop-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const bench = new Bench(folder, values.quick);
  const asked = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const found: Measurement[] = [];
  console.log(
    `${availableParallelism()} processors; data in ${folder}${values.quick ? "; small data, for a look only" : ""}`,
  );
  for (const figure of figures.filter(({ names }) => names.some(asked))) {
    const start = performance.now();
    try {
      const measured = await figure.measure(bench);
      found.push(...measured.filter((measurement) => asked(measurement.figure)));
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
    }
    console.log(`${String(Math.round((performance.now() - start) / 1_000)).padStart(4)} s  ${figure.names.join(", ")}`);
  }
  return found;
}

function byFigure(found: readonly Measurement[]): Record<string, unknown> {
  return Object.fromEntries(
    found.map(({ figure, value, unit, ours, peer }) => [figure, { value, unit, ours, peer: peer ?? null }]),
  );
}
