import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { limits } from "../limits.ts";
import { compilePattern, type Pattern } from "../pattern.ts";
import { shortened } from "../shortened.ts";
import { schemaFormats } from "./schema-formats.ts";
import { replaceKeywords, StepBudget, withSteps } from "./schema-keywords.ts";
import { type JsonObject, parseSchema, schemaInvalid } from "./schema-limits.ts";

/** At most this many problems of one sample are told. */
const maximumProblems = 20;

/** What does not fit. */
export interface SchemaProblem {
  /** JSON pointer into the sample. */
  readonly path: string;
  readonly problem: string;
}

export interface Schema {
  /** The first thing that does not fit, or undefined. Never throws. `characters`: length of the sample's JSON. */
  problemOf(sample: unknown, characters: number): string | undefined;
  /** What does not fit, at most 20 with `allProblems`, else one. Never throws. */
  problemsOf(sample: unknown, characters: number): SchemaProblem[];
}

export interface SchemaOptions {
  readonly allProblems?: boolean;
  /** The schema was compiled before, so its keywords need no check. */
  readonly checked?: boolean;
}

/**
 * Compiles a JSON Schema of draft 2020-12, or draft-07 where `$schema` says so. Bounded in size, depth, patterns, references and samples, see `limits.ts`.
 * Throws ServiceError SCHEMA_INVALID. A schema that nobody has checked yet belongs into `SchemaWorker` first: compiling it can take a second.
 */
export function compileSchema(text: string, options: SchemaOptions = {}): Schema {
  const schema = parseSchema(text);
  const budget = new StepBudget();
  const validate = compile(schema, budget, options);

  function problemsOf(sample: unknown, characters: number): SchemaProblem[] {
    if (characters > limits.schema_sample_characters) {
      const limit = `schema_sample_characters (${limits.schema_sample_characters})`;
      return [{ path: "", problem: `Sample of ${characters} characters is too large for a schema: ${limit}` }];
    }
    budget.left = limits.schema_steps;
    try {
      return validate(sample) ? [] : (validate.errors ?? []).slice(0, maximumProblems).map(problemFrom);
    } catch (error) {
      return [{ path: "", problem: whileChecking(error) }];
    }
  }

  return {
    problemsOf,
    problemOf(sample, characters) {
      const [first] = problemsOf(sample, characters);
      return first && (first.path === "" ? first.problem : `${first.path}: ${first.problem}`);
    },
  };
}

function compile(schema: JsonObject, budget: StepBudget, options: SchemaOptions): ValidateFunction {
  try {
    const patterns = new PatternBudget();
    const code = { regExp: Object.assign((source: string) => patterns.compile(source), { code: "compilePattern" }) };
    const ajv = ajvFor(schema["$schema"], { ...ajvOptions, code, allErrors: options.allProblems ?? false });
    if (!options.checked && !ajv.validateSchema(schema)) {
      throw new Error(`it is no schema: ${ajv.errorsText()}`);
    }
    replaceKeywords(ajv, budget);
    patterns.left = limits.pattern_instructions;
    return ajv.compile(withSteps(schema));
  } catch (error) {
    const why = error instanceof RangeError ? "it is nested too deeply" : (error as Error).message;
    throw schemaInvalid(`cannot be compiled: ${why}`, error);
  }
}

/** What the patterns of one schema may have together; those of the drafts themselves are not counted. */
class PatternBudget {
  left = Number.POSITIVE_INFINITY;

  compile(source: string): Pattern {
    const pattern = compilePattern(source);
    this.left -= pattern.size;
    if (this.left < 0) {
      throw new Error(`its patterns are larger than pattern_instructions (${limits.pattern_instructions}) together`);
    }
    return pattern;
  }
}

const ajvOptions: Options = {
  strictSchema: true,
  strictNumbers: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  ownProperties: true,
  logger: false,
  formats: schemaFormats,
  validateSchema: false,
};

const drafts: ReadonlyMap<unknown, (options: Options) => Ajv> = new Map<unknown, (options: Options) => Ajv>([
  [undefined, (options) => new Ajv2020(options)],
  ["https://json-schema.org/draft/2020-12/schema", (options) => new Ajv2020(options)],
  ["http://json-schema.org/draft-07/schema", (options) => new Ajv(options)],
]);

function ajvFor(draft: unknown, options: Options): Ajv {
  const make = drafts.get(typeof draft === "string" ? draft.replace(/#$/, "") : draft);
  if (make === undefined) {
    throw new Error(`$schema is ${JSON.stringify(draft)}; there are draft 2020-12 and draft-07`);
  }
  return make(options);
}

function problemFrom(error: ErrorObject): SchemaProblem {
  return { path: shortened(error.instancePath), problem: shortened(problemText(error)) };
}

function problemText({ keyword, params, message }: ErrorObject): string {
  if (keyword === "required") {
    return `Missing required field: ${params["missingProperty"]}`;
  }
  if (keyword === "additionalProperties" || keyword === "unevaluatedProperties") {
    return `Unexpected field: ${params["additionalProperty"] ?? params["unevaluatedProperty"]}`;
  }
  const allowed = keyword === "enum" ? `: ${JSON.stringify(params["allowedValues"]).slice(0, 200)}` : "";
  return `${message ?? `does not fit ${keyword}`}${allowed}`;
}

function whileChecking(error: unknown): string {
  return error instanceof RangeError ? "The schema refers to itself without end" : (error as Error).message;
}
