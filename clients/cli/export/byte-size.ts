import { InputError } from "../failure.ts";

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** `500MB` or a number of bytes. Throws InputError. */
export function parseByteSize(text: string, option: string): number {
  const [, number = "", unit = "B"] = /^(\d{1,12}(?:\.\d{1,6})?) ?([kKMGT]i?B|B)?$/.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (units[unit] ?? Number.NaN));
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new InputError(`${option} is not a size: ${text}. Write it like 500MB.`);
}
