import colors from "picocolors";

/** Prints a value as one line of JSON, with bigints as numbers or, beyond 2^53, as strings, and bytes as hex. */
export function printJson(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, replace, indent);
}

function replace(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const raw = this[key];
  if (typeof raw === "bigint") return Number.isSafeInteger(Number(raw)) ? Number(raw) : String(raw);
  if (raw instanceof Uint8Array) return Buffer.from(raw).toString("hex");
  return value;
}

export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** For people who watch: never mixed into what a program reads. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Columns as wide as their widest cell; numbers to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => String(row[column]).length)));
  print(
    colors.bold(
      head
        .map((name, column) => name.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
  );
  for (const row of rows) {
    print(
      row
        .map((cell, column) => align(cell, widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  }
}

function align(cell: string | number, width: number): string {
  return typeof cell === "number" ? String(cell).padStart(width) : cell.padEnd(width);
}

export function count(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function bytes(value: number | bigint): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let amount = Number(value);
  let unit = 0;
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`;
}

/** ISO time to the second, or "-". */
export function time(timestamp: { readonly seconds: bigint } | undefined): string {
  return timestamp === undefined
    ? "-"
    : new Date(Number(timestamp.seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");
}
