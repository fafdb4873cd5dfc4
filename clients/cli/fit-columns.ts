/** Between two columns. */
const GAP = 2;
/** No column is cut below this. */
const LEAST = 8;

/** Widths of columns, the widest made narrower until all fit beside each other; as they are where there is no terminal (undefined). */
export function fitColumns(widths: readonly number[], available: number | undefined): number[] {
  const fitted = [...widths];
  if (available === undefined) return fitted;
  let excess = widths.reduce((sum, width) => sum + width + GAP, -GAP) - available;
  while (excess > 0) {
    const widest = fitted.indexOf(Math.max(...fitted));
    const width = fitted[widest] ?? 0;
    if (width <= LEAST) return fitted;
    fitted[widest] = width - 1;
    excess -= 1;
  }
  return fitted;
}
