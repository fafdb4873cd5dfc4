/** A value at an optimizer step. */
export interface ChartPoint {
  readonly step: bigint;
  readonly value: number;
}

export interface ChartSize {
  /** Characters without the axis. */
  readonly width: number;
  readonly height: number;
}

/** Dots of one character of braille, 2 wide and 4 high, from the top left: U+2800 plus the sum of those that are set. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** A curve drawn with text, the greatest value on top; nothing for less than two points. */
export function lossChart(points: readonly ChartPoint[], { width, height }: ChartSize): string[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || points.length < 2) return [];
  const values = points.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const rows = curveRows(columnMeans(points, width * 2), low, high, height * 4);
  const lines = toCharacters(rows, width, height);
  const labels = [high, low].map((value) => value.toPrecision(4));
  const margin = Math.max(...labels.map(({ length }) => length));
  const label = (place: number): string => (place === 0 ? labels[0] : place === height - 1 ? labels[1] : "") ?? "";
  const steps = `step ${first.step}`.padEnd(width - String(last.step).length) + last.step;
  return [
    ...lines.map((line, place) => `${label(place).padStart(margin)} ┤${line}`),
    `${" ".repeat(margin)}  ${steps}`,
  ];
}

/** The mean of the points of each column; between the columns of two points, on the line from one to the other. */
function columnMeans(points: readonly ChartPoint[], columns: number): number[] {
  const first = points[0]?.step ?? 0n;
  const span = Number((points.at(-1)?.step ?? 0n) - first) || 1;
  const groups = Map.groupBy(points, ({ step }) => Math.round((Number(step - first) / span) * (columns - 1)));
  const known = [...groups].map(([column, group]) => ({ column, mean: meanOf(group) }));
  return Array.from({ length: columns }, (_, column) => {
    const next = known.find((one) => one.column >= column) ?? known.at(-1);
    const before = known.findLast((one) => one.column <= column) ?? next;
    if (next === undefined || before === undefined) return 0;
    const share = (column - before.column) / (next.column - before.column || 1);
    return before.mean + (next.mean - before.mean) * share;
  });
}

function meanOf(points: readonly ChartPoint[]): number {
  return points.reduce((sum, { value }) => sum + value, 0) / points.length;
}

/** For each column the dots that are set, from the top: from the last column's value to its own. */
function curveRows(
  means: readonly number[],
  low: number,
  high: number,
  dots: number,
): (readonly [from: number, to: number])[] {
  const rows = means.map((mean) => Math.round(((high - mean) / (high - low || 1)) * (dots - 1)));
  return rows.map((row, column) => {
    const before = rows[column - 1] ?? row;
    return [Math.min(before, row), Math.max(before, row)];
  });
}

function toCharacters(rows: readonly (readonly [number, number])[], width: number, height: number): string[] {
  const isSet = (column: number, dot: number): boolean => {
    const row = rows[column];
    return row !== undefined && dot >= row[0] && dot <= row[1];
  };
  return Array.from({ length: height }, (_, line) =>
    Array.from({ length: width }, (_, character) => {
      let code = 0;
      for (const [y, dots] of DOTS.entries())
        for (const [x, bit] of dots.entries()) if (isSet(character * 2 + x, line * 4 + y)) code += bit;
      return code === 0 ? " " : String.fromCodePoint(0x2800 + code);
    }).join(""),
  );
}
