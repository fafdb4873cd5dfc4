import type { Exporter } from "../exporter.ts";
import { flatExporter } from "./flat.ts";

/** `{"instruction", "input"?, "output"}`. */
export const instruction: Exporter = flatExporter("instruction", "output", [
  { name: "instruction", type: "text", required: true },
  { name: "input", type: "text", required: false },
  { name: "output", type: "text", required: true },
]);
