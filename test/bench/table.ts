import { isMet, type Measurement } from "./figure.ts";

const head = ["figure", "ours", "peer", "value", "goal", "", "peer is"];

export function tableOf(measurements: readonly Measurement[]): string {
  const rows = [head, ...measurements.map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0, column))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const signs = { "at least": "≥", "more than": ">", "at most": "≤", "less than": "<" } as const;

function cellsOf(measurement: Measurement): string[] {
  const { figure, ours, peer, value, unit, measuredIn, peerName = "", goal } = measurement;
  return [
    figure,
    `${rounded(ours)} ${measuredIn}`,
    peer === undefined ? "" : `${rounded(peer)} ${measuredIn}`,
    unit === "ratio" ? rounded(value) : `${rounded(value)} ${unit}`,
    `${signs[goal.kind]} ${rounded(goal.than)}`,
    isMet(measurement) ? "met" : "MISSED",
    peerName,
  ];
}

function pad(cell: string, width: number, column: number): string {
  return column >= 1 && column <= 4 ? cell.padStart(width) : cell.padEnd(width);
}

function rounded(value: number): string {
  return value.toLocaleString("en", {
    maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0,
  });
}
