import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ServiceError } from "../../kit/errors.ts";
import { nameForm } from "../../kit/field.ts";
import type { Exporter } from "./exporter.ts";
import { chat } from "./exporters/chat.ts";
import { instruction } from "./exporters/instruction.ts";
import { kto } from "./exporters/kto.ts";
import { preference } from "./exporters/preference.ts";
import { promptCompletion } from "./exporters/prompt-completion.ts";
import { text } from "./exporters/text.ts";

export interface ExporterRegistry {
  /** Where the plugins came from; a worker thread loads the same ones. */
  readonly pluginsDirectory: string | undefined;
  /** Names in the order of registration, the built-in ones first. */
  readonly formats: readonly string[];
  get(format: string): Exporter | undefined;
}

const builtIn: readonly Exporter[] = [instruction, chat, text, promptCompletion, preference, kto];
const pluginFile = /\.(js|mjs|ts|mts)$/;

/**
 * The built-in formats and, of a directory, every plugin in the order of their names: a file (`.js`, `.mjs`, `.ts`, `.mts`) or a folder with
 * an `index` file, whose default export is an Exporter. Rejects, naming the file, when one is none or gives a format that exists.
 */
export async function loadExporters(pluginsDirectory?: string): Promise<ExporterRegistry> {
  const exporters = new Map<string, Exporter>();
  for (const exporter of builtIn) {
    register(exporters, exporter, exporter.format);
  }
  for (const file of pluginsDirectory === undefined ? [] : await pluginFiles(pluginsDirectory)) {
    const plugin = (await import(pathToFileURL(file).href)) as { default?: unknown };
    register(exporters, plugin.default, file);
  }
  return { pluginsDirectory, formats: [...exporters.keys()], get: (format) => exporters.get(format) };
}

/** Throws ServiceError FORMAT_UNKNOWN, which names the formats there are. */
export function findExporter(format: string, exporters: ExporterRegistry): Exporter {
  const exporter = exporters.get(format);
  if (exporter === undefined) {
    const known = exporters.formats.join(", ");
    const message = `There is no format ${JSON.stringify(format)}; there are ${known}.`;
    throw new ServiceError("FORMAT_UNKNOWN", message, { format, known });
  }
  return exporter;
}

async function pluginFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) {
      const inside = (await readdir(join(directory, entry.name))).filter(
        (name) => /^index\./.test(name) && pluginFile.test(name),
      );
      files.push(...inside.map((name) => join(directory, entry.name, name)));
    } else if (pluginFile.test(entry.name)) {
      files.push(join(directory, entry.name));
    }
  }
  return files;
}

function register(exporters: Map<string, Exporter>, exporter: unknown, origin: string): void {
  const problem = exporterProblem(exporter);
  if (problem !== undefined) {
    throw new TypeError(`Exporter ${origin} ${problem}.`);
  }
  const checked = exporter as Exporter;
  if (exporters.has(checked.format)) {
    throw new TypeError(`Exporter ${origin} gives the format "${checked.format}", which exists.`);
  }
  exporters.set(checked.format, checked);
}

function exporterProblem(exporter: unknown): string | undefined {
  if (typeof exporter !== "object" || exporter === null) {
    return "has no default export that is an exporter";
  }
  const { format, parts, sample } = exporter as Partial<Exporter>;
  if (typeof format !== "string" || !nameForm.test(format)) {
    return "has no valid format name";
  }
  if (!Array.isArray(parts) || !parts.every((part) => typeof part?.name === "string" && partTypes.has(part.type))) {
    return "has no valid parts";
  }
  return typeof sample === "function" ? undefined : "has no sample function";
}

const partTypes: ReadonlySet<string> = new Set(["text", "boolean", "any"]);
