import type { Exporter, Part } from "../exporter.ts";

/** A format whose samples are its parts, in their order. */
export function flatExporter(format: string, output: string, parts: readonly Part[]): Exporter {
  return { format, parts, sample: (values) => ({ value: values, output: values[output] as string }) };
}
