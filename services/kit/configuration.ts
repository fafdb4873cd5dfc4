import { readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigurationError } from "./configuration-error.ts";
import { fileProblem } from "./file-problem.ts";

/** Keys that every service has. */
export const serverKeys = {
  /** Folder for everything that the service keeps on disk; made when missing. */
  data_directory: z.string().min(1),
  /** `rocksdb`: embedded, below `data_directory`. `postgres`: shared, needs `store_url`. `memory`: forgotten at the end. */
  store: z.enum(["rocksdb", "postgres", "memory"]).default("rocksdb"),
  /** `postgres://…` */
  store_url: z.string().min(1).optional(),
  /** PostgreSQL schema that holds the store's tables. */
  store_schema: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/)
    .default("loraloop"),
  /** Hours for which every revision of the store can be read. */
  retention_hours: z.number().positive().default(24),
  listen_host: z.string().min(1).default("127.0.0.1"),
  /** 0 takes any free port. */
  listen_port: z.int().min(0).max(65_535).default(50_051),
  /** PEM files; both or none. */
  tls_certificate_file: z.string().min(1).optional(),
  tls_key_file: z.string().min(1).optional(),
  /** Without TLS the server listens on loopback only, unless this is true. */
  allow_plaintext: z.boolean().default(false),
  metrics_host: z.string().min(1).default("127.0.0.1"),
  /** 0 takes any free port. */
  metrics_port: z.int().min(0).max(65_535).default(9_464),
  log_level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  /** How long open calls may take to end when the server stops. */
  drain_seconds: z.number().min(0).max(3_600).default(10),
};

const serverSchema = z.strictObject(serverKeys);

export type ServerConfiguration = z.infer<typeof serverSchema>;

export interface ConfigurationSources {
  /** JSON file. */
  readonly file?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Overrides both, e.g. from the command line. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Before the names of environment variables, e.g. `LORALOOP_EXPORT_`. */
  readonly environmentPrefix: string;
  /** Variables that begin alike and are not read. */
  readonly otherVariables?: readonly string[];
}

/** Reads a configuration: defaults, then the file, then the environment, then `values`. Throws ConfigurationError. */
export function readConfiguration<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  sources: ConfigurationSources,
): z.infer<z.ZodObject<Shape, z.core.$strict>> {
  const fromFile = sources.file === undefined ? {} : readFile(sources.file);
  const fromEnvironment = readEnvironment(schema, sources);
  const given = { ...fromFile, ...fromEnvironment, ...sources.values };
  const result = schema.safeParse(given);
  if (result.success) {
    return result.data;
  }
  throw new ConfigurationError(describe(result.error.issues, given, fromEnvironment, sources));
}

function readFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const problem = fileProblem(cause, file) ?? (cause as Error).message;
    throw new ConfigurationError(`The configuration file cannot be read. ${problem}`, { cause });
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (cause) {
    throw new ConfigurationError(`The configuration file ${file} is not a JSON object.`, { cause });
  }
}

function readEnvironment(schema: z.ZodObject, sources: ConfigurationSources): Record<string, unknown> {
  const { environmentPrefix: prefix, otherVariables = [] } = sources;
  const variables = Object.entries(sources.environment ?? {}).filter(
    ([name]) => name.startsWith(prefix) && !otherVariables.includes(name),
  );
  return Object.fromEntries(
    variables.map(([name, text]) => {
      const key = name.slice(prefix.length).toLowerCase();
      return [key, readVariable(schema.shape[key], text ?? "")];
    }),
  );
}

/** A variable is text; where the key wants a number or a boolean, the text is read as JSON. */
function readVariable(schema: z.core.$ZodType | undefined, text: string): unknown {
  if (schema === undefined || z.safeParse(schema, text).success) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function describe(
  issues: readonly z.core.$ZodIssue[],
  given: Record<string, unknown>,
  fromEnvironment: Record<string, unknown>,
  sources: ConfigurationSources,
): string {
  const lines = issues.flatMap((issue) =>
    keysOf(issue).map((key) => {
      const variable = `${sources.environmentPrefix}${key.toUpperCase()}`;
      if (given[key] === undefined) return `"${key}" is missing; give it in the file or as ${variable}`;
      const place = key in fromEnvironment ? variable : `"${key}"`;
      return `${place}: ${issue.code === "unrecognized_keys" ? "no such key" : issue.message}`;
    }),
  );
  return `Bad configuration${sources.file === undefined ? "" : ` in ${sources.file}`}: ${lines.join("; ")}.`;
}

function keysOf(issue: z.core.$ZodIssue): string[] {
  return issue.code === "unrecognized_keys" ? issue.keys : [String(issue.path[0])];
}
