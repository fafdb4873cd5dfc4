import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Bench } from "./bench.ts";
import { type Figure, type Measurement, NotMeasuredError, type Unmeasured } from "./figure.ts";
import { dropFigure } from "./figures/drop.ts";
import { eventLoopFigure } from "./figures/event-loop.ts";
import { firstPassFigure } from "./figures/first-pass.ts";
import { firstSampleFigure } from "./figures/first-sample.ts";
import { firstShuffledFigure } from "./figures/first-shuffled.ts";
import { millionFigure } from "./figures/million.ts";
import { pythonLoopFigures } from "./figures/python-loop.ts";
import { ranksFigure } from "./figures/ranks.ts";
import { registryFigure } from "./figures/registry.ts";
import { resumeFigure } from "./figures/resume.ts";
import { schemaFigure } from "./figures/schema.ts";
import { stalledReadersFigure } from "./figures/stalled-readers.ts";
import { statisticsFigure } from "./figures/statistics.ts";
import { tableOf } from "./table.ts";

/** `npm run bench -- [NAME…] [--json FILE] [--quick]`: see docs/benchmarks.md. */

const figures: readonly Figure[] = [
  firstPassFigure,
  dropFigure,
  ...pythonLoopFigures,
  firstSampleFigure,
  firstShuffledFigure,
  schemaFigure,
  statisticsFigure,
  eventLoopFigure,
  stalledReadersFigure,
  millionFigure,
  ranksFigure,
  resumeFigure,
  registryFigure,
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

const { measurements, unmeasured } = await measureAll();
console.log(`\n${tableOf(measurements)}`);
for (const { figure, reason } of unmeasured) console.log(`${figure} was not measured: ${reason}.`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(byFigure(), undefined, 2)}\n`);

async function measureAll(): Promise<{ measurements: Measurement[]; unmeasured: Unmeasured[] }> {
  const folder = mkdtempSync(join(tmpdir(), "loraloop-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const bench = new Bench(folder, values.quick);
  const asked = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
  const measurements: Measurement[] = [];
  const unmeasured: Unmeasured[] = [];
  console.log(
    `${availableParallelism()} processors; data in ${folder}${values.quick ? "; small data, for a look only" : ""}`,
  );
  for (const figure of figures.filter(({ names }) => names.some(asked))) {
    const start = performance.now();
    try {
      const measured = await figure.measure(bench);
      measurements.push(...measured.filter((measurement) => asked(measurement.figure)));
    } catch (error) {
      const reason = reasonOf(error);
      unmeasured.push(...figure.names.filter(asked).map((name) => ({ figure: name, reason })));
    }
    console.log(`${String(Math.round((performance.now() - start) / 1_000)).padStart(4)} s  ${figure.names.join(", ")}`);
  }
  return { measurements, unmeasured };
}

/** What only is not there is no failure of the bench. */
function reasonOf(error: unknown): string {
  if (error instanceof NotMeasuredError) return error.message;
  console.error(error);
  process.exitCode = 1;
  return "its measurement failed";
}

function byFigure(): Record<string, unknown> {
  return Object.fromEntries([
    ...measurements.map(({ figure, value, unit, ours, peer }) => [figure, { value, unit, ours, peer: peer ?? null }]),
    ...unmeasured.map(({ figure, reason }) => [figure, { value: null, reason }]),
  ]);
}
