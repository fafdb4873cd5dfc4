import { hash } from "node:crypto";
import type { Splits } from "../../../proto/gen/loraloop/export/v1/dataset.ts";

/** The part of a group, by name: a pure function of salt and group, so no record changes its part when others come or go. The spec is checked. */
export function compileSplits({ parts, salt }: Splits): (group: string) => string {
  const ends: number[] = [];
  for (const { percent } of parts) ends.push((ends.at(-1) ?? 0) + percent);
  return (group) => {
    // Of 2^32 × 100: whole numbers, so the borders are exact.
    const place = hash("sha256", `${salt}\0${group}`, "buffer").readUInt32BE(0) * 100;
    const index = ends.findIndex((end) => place < end * 2 ** 32);
    return parts[index]?.name ?? "";
  };
}
