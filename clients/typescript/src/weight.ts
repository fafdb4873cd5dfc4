/** A weight in 10^-6 as it stands in a line: no exponent, no trailing zeros, at least one decimal (`1.0`, `0.9`). */
export function weightText(micros: number): string {
  const decimals = String(micros % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${Math.floor(micros / 1_000_000)}.${decimals || "0"}`;
}

/** A line (a JSON object without line feed) with `weight` as its last key. */
export function withWeight(line: string, micros: number): string {
  return `${line.slice(0, -1)}${line === "{}" ? "" : ","}"weight":${weightText(micros)}}`;
}
