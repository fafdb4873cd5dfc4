import type { Exporter } from "../exporter.ts";
import { flatExporter } from "./flat.ts";

/** `{"prompt", "chosen", "rejected"}`. */
export const preference: Exporter = flatExporter("preference", "chosen", [
  { name: "prompt", type: "text", required: true },
  { name: "chosen", type: "text", required: true },
  { name: "rejected", type: "text", required: true },
]);
