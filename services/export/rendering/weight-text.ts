/** A weight of 1 in 10⁻⁶. */
export const oneInMicros = 1_000_000;

const maximumMicros = 4_000 * oneInMicros;

/** Rounds once to 10⁻⁶; undefined outside 0 to 4,000. */
export function weightMicrosOf(weight: number): number | undefined {
  if (!(weight >= 0 && weight <= 4_000)) {
    return undefined;
  }
  return Math.min(maximumMicros, Math.floor(weight * 1e6 + 0.5));
}

/** `1.0`, `0.9`, `0.000001`: no exponent, trailing zeros cut, at least one decimal. */
export function weightText(weightMicros: number): string {
  const whole = Math.floor(weightMicros / oneInMicros);
  const decimals = String(weightMicros % oneInMicros).padStart(6, "0");
  return `${whole}.${decimals.slice(0, 1)}${decimals.slice(1).replace(/0+$/, "")}`;
}

/** The line with `"weight"` as its last key. */
export function withWeight(line: string, weightMicros: number): string {
  return `${line.slice(0, -1)}${line === "{}" ? "" : ","}"weight":${weightText(weightMicros)}}`;
}
