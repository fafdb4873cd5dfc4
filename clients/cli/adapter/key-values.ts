import { InputError } from "../failure.ts";

/** Gathers an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** `name=value` options as a map; the last of a name counts. Throws InputError. */
export function toTexts(option: string, pairs: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw new InputError(`${option} takes name=value, not ${pair}.`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** As `toTexts`, with finite numbers. */
export function toNumbers(option: string, pairs?: readonly string[]): Record<string, number> {
  const entries = Object.entries(toTexts(option, pairs));
  return Object.fromEntries(
    entries.map(([name, text]) => {
      const value = Number(text);
      if (text.trim() === "" || !Number.isFinite(value))
        throw new InputError(`${option} takes a number for ${name}, not ${text}.`);
      return [name, value];
    }),
  );
}
