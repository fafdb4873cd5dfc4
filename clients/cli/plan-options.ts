import type { Command } from "commander";
import type { Client, MixtureSource, PlanOptions } from "../typescript/src/index.ts";
import { InputError } from "./failure.ts";
import { type SourceOptions, toSource } from "./source.ts";

/** Options that say in which order samples come. */
export interface OrderOptions extends SourceOptions {
  readonly epoch?: string;
  readonly seed?: string;
  readonly shuffle?: string | true;
  readonly globalBatchSize?: string;
  readonly dropLast?: true;
  readonly weights?: string;
  readonly mix?: readonly string[];
  readonly exhaustion?: string;
  readonly blockBatches?: string;
  readonly run?: string;
}

/** What is read, as the client takes it. */
export type PlanSource = Parameters<Client["stream"]>[0];

/** Adds the options that say in which order samples come. */
export function orderOptions(command: Command): Command {
  return command
    .option("--epoch <number>", "which epoch; 0, the first, by default")
    .option("--seed <number>", "key of the shuffle and of the sampling; 0 by default")
    .option("--shuffle [pages]", "shuffle windows of so many pages, 1,024 by default")
    .option("--global-batch-size <samples>", "samples of one step of all ranks; 1 by default")
    .option("--drop-last", "leave out a last global batch that is not full")
    .option(
      "--weights <use>",
      "loss: they come with the samples (default); sampling: they say how often a sample comes",
    )
    .option(
      "--mix <source=share>",
      "one of several sources, with its share; once for each; --split, --as-of and --revision are for all of them",
      collect,
    )
    .option("--exhaustion <when>", "end a mixture when the first (default) or all of its sources have come once")
    .option("--block-batches <number>", "sources of a mixture take turns for so many global batches")
    .option("--run <id>", "an epoch of a run instead; its order is the run's");
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const orderNames = ["epoch", "seed", "shuffle", "globalBatchSize", "dropLast", "weights", "mix", "run"] as const;

/** Whether an order is asked for at all. */
export function hasOrder(options: OrderOptions): boolean {
  return orderNames.some((name) => options[name] !== undefined);
}

type OptionName = keyof OrderOptions;

const mixtureNames = ["exhaustion", "blockBatches"] as const satisfies readonly OptionName[];
const sourceNames = ["split", "asOf", "revision", "allowOpenIngest"] as const satisfies readonly OptionName[];
/** What a run says itself; of a plan by its hash the epoch too. */
export const fixedNames: readonly OptionName[] = [
  ...sourceNames,
  ...(["seed", "shuffle", "globalBatchSize", "dropLast", "weights"] as const),
  ...mixtureNames,
];

/** Throws InputError where an option would change nothing. */
export function refuseOptions(options: OrderOptions, names: readonly OptionName[], why: string): void {
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length > 0) throw new InputError(`${given.map(flagOf).join(", ")}: ${why}`);
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What a command reads: a run, the sources of a mixture, or a dataset or snapshot. */
export async function toPlanSource(
  client: Client,
  name: string | undefined,
  options: OrderOptions,
): Promise<PlanSource> {
  const given = [name ?? options.spec, options.mix, options.run].filter((one) => one !== undefined);
  if (given.length > 1) throw new InputError("Name a dataset or a snapshot, or use --mix, or --run: one of them.");
  if (options.run !== undefined) {
    refuseOptions(options, fixedNames, "a run has its own; with --run only --epoch is said.");
    return { run: options.run };
  }
  if (options.mix === undefined)
    refuseOptions(options, mixtureNames, "only of a mixture; name its sources with --mix.");
  return options.mix === undefined ? toSource(client, name, options) : undefined;
}

/** The order. */
export async function toPlan(client: Client, options: OrderOptions): Promise<PlanOptions> {
  const { epoch = "0", seed = "0", globalBatchSize = "1", weights = "loss", shuffle, mix } = options;
  return {
    epoch: toNumber("--epoch", epoch),
    seed: toSeed(seed),
    globalBatchSize: toNumber("--global-batch-size", globalBatchSize),
    dropLast: options.dropLast === true,
    weights: oneOf("--weights", weights, ["loss", "sampling"]),
    ...(shuffle !== undefined && { shuffle: shuffle === true ? true : toPositive("--shuffle", shuffle) }),
    ...(mix !== undefined && { mixture: await toMixture(client, mix, options) }),
  };
}

async function toMixture(
  client: Client,
  mix: readonly string[],
  options: OrderOptions,
): Promise<NonNullable<PlanOptions["mixture"]>> {
  const { exhaustion = "first", blockBatches = "0" } = options;
  const sources: MixtureSource[] = [];
  for (const text of mix) {
    const [name = "", share] = text.split("=");
    if (share !== undefined && blockBatches !== "0")
      throw new InputError(`--mix ${text}: with --block-batches sources have no share; leave =${share} out.`);
    sources.push({ source: await toSource(client, name, options), proportion: toPositive("--mix", share ?? "1") });
  }
  return {
    sources,
    exhaustion: oneOf("--exhaustion", exhaustion, ["first", "all"]),
    blockBatches: toNumber("--block-batches", blockBatches),
  };
}

/** A number as the protos take it. */
export function toNumber(option: string, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value < 2 ** 32)) throw new InputError(`${option} is not a number below 2^32: ${text}`);
  return value;
}

/** As `toNumber`, where 0 would mean what nobody asked for. */
export function toPositive(option: string, text: string): number {
  const value = toNumber(option, text);
  if (value === 0) throw new InputError(`${option} is 0; expected at least 1.`);
  return value;
}

function toSeed(text: string): bigint {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value >= 2n ** 64n) throw new InputError(`--seed is not a number below 2^64: ${text}`);
  return value;
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new InputError(`${option} is ${text}; expected ${names.join(" or ")}.`);
  return found;
}
