import type { Exporter } from "../exporter.ts";
import { flatExporter } from "./flat.ts";

/** `{"text"}`. */
export const text: Exporter = flatExporter("text", "text", [{ name: "text", type: "text", required: true }]);
