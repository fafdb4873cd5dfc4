import type { Exporter } from "../exporter.ts";
import { flatExporter } from "./flat.ts";

/** `{"prompt", "completion"}`. */
export const promptCompletion: Exporter = flatExporter("prompt-completion", "completion", [
  { name: "prompt", type: "text", required: true },
  { name: "completion", type: "text", required: true },
]);
