import type { Exporter } from "../exporter.ts";
import { flatExporter } from "./flat.ts";

/** `{"prompt", "completion", "label"}`; the label is true for a wanted completion. */
export const kto: Exporter = flatExporter("kto", "completion", [
  { name: "prompt", type: "text", required: true },
  { name: "completion", type: "text", required: true },
  { name: "label", type: "boolean", required: true },
]);
