/** A column of a table. */
export interface Column {
  /** As wide as its widest cell. */
  readonly width: number;
  /** `name`: what the row is of; `time`: as `time` prints it. */
  readonly kind: "name" | "time" | "other";
}

/** Between two columns. */
const GAP = 2;
/** No column is cut below this: of a time, the day stays. */
const LEAST = { other: 8, time: 11, name: 8 } as const;

/**
 * Widths of columns until all fit beside each other: the widest of the others are made narrower first, then times, and names only at the end. As they are where there is
 * no terminal (undefined).
 */
export function fitColumns(columns: readonly Column[], available: number | undefined): number[] {
  const fitted = columns.map(({ width }) => width);
  if (available === undefined) return fitted;
  let excess = fitted.reduce((sum, width) => sum + width + GAP, -GAP) - available;
  while (excess > 0) {
    const widest = widestOf(columns, fitted);
    if (widest === undefined) return fitted;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
    excess -= 1;
  }
  return fitted;
}

/** The column whose turn it is to give way; undefined where none can. */
function widestOf(columns: readonly Column[], fitted: readonly number[]): number | undefined {
  const widthOf = (place: number): number => fitted[place] ?? 0;
  for (const turn of ["other", "time", "name"] as const) {
    const places = [...columns.keys()].filter((place) => columns[place]?.kind === turn && widthOf(place) > LEAST[turn]);
    if (places.length > 0) return places.reduce((one, other) => (widthOf(other) > widthOf(one) ? other : one));
  }
  return undefined;
}
