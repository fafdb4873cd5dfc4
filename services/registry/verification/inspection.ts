import { createHash, type Hash } from "node:crypto";
import type { PeftConfiguration, Servability } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { BaseModel, BaseModelReference } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { limits } from "../../kit/limits.ts";
import { fileChanged } from "../artifacts/artifact-errors.ts";
import { checkNamedBase, checkReference } from "./check-base.ts";
import { checkTensors } from "./check-tensors.ts";
import { checkTokenizer, checkTokenizerSize, isTokenizer } from "./check-tokenizer.ts";
import { namePrefix } from "./expected-tensors.ts";
import { configurationReport, type Fault, Faults } from "./faults.ts";
import { type LoraConfiguration, readConfiguration, sizeProblem } from "./lora-configuration.ts";
import { peftConfiguration } from "./peft-configuration.ts";
import { HeaderProblem, type Tensor } from "./safetensors-header.ts";
import { SafetensorsReader } from "./safetensors-reader.ts";
import { servabilityOf } from "./servability.ts";
import { shownText } from "./strict-json.ts";
import { chooseTargets } from "./targets.ts";

/** The two files that every adapter has. */
export const configurationPath = "adapter_config.json";
export const weightsPath = "adapter_model.safetensors";

/** What an adapter is checked against. */
export interface InspectionRequest {
  readonly base: BaseModel;
  /** Digests of what was really used. */
  readonly reference: BaseModelReference | undefined;
  /** What the files must still be: digests by path. Files that are not in it are not compared. */
  readonly digests: ReadonlyMap<string, string>;
  /** True to end with the first fault. */
  readonly throwsFirst: boolean;
}

/** What was found. */
export interface Inspected {
  /** Everything that is wrong, at most `adapter_problems`. */
  readonly faults: readonly Fault[];
  /** Of each file that was read. */
  readonly files: readonly ArtifactFile[];
  /** Absent where something is wrong. */
  readonly sound?: SoundInspection | undefined;
}

/** Of an adapter without fault. */
export interface SoundInspection {
  readonly peft: PeftConfiguration;
  readonly servability: Servability[];
}

/** What is read of the file that is under way. */
interface OpenFile {
  readonly path: string;
  readonly byteCount: number;
  readonly hash: Hash;
  /** Of a safetensors file without fault so far. */
  reader: SafetensorsReader | undefined;
  /** Of the configuration, and of the tokenizer. */
  readonly kept: Uint8Array[];
  /** How many faults there were before. */
  readonly faultsBefore: number;
}

/**
 * Checks one adapter from the bytes of its files, which come one file after the other, in pieces. Keeps a header, a configuration and a tokenizer in memory,
 * no weights. Where it throws the first fault, all methods throw ServiceError.
 */
export class Inspection {
  readonly #request: InspectionRequest;
  readonly #faults: Faults;
  readonly #files: ArtifactFile[] = [];
  #open: OpenFile | undefined;
  #configuration: LoraConfiguration | undefined;
  #weights: readonly Tensor[] | undefined;
  #tensorCount = 0;

  constructor(request: InspectionRequest) {
    this.#request = request;
    this.#faults = new Faults(request.throwsFirst);
    if (request.reference !== undefined) checkReference(request.base, request.reference, this.#faults);
  }

  /** @param byteCount length of the file */
  beginFile(path: string, byteCount: number): void {
    const faultsBefore = this.#faults.found.length;
    const open: OpenFile = { path, byteCount, hash: createHash("sha256"), reader: undefined, kept: [], faultsBefore };
    this.#open = open;
    const tooLarge = path === configurationPath ? sizeProblem(byteCount) : undefined;
    if (tooLarge !== undefined) configurationReport(this.#faults)("", tooLarge);
    if (isTokenizer(path, this.#request.base)) checkTokenizerSize(byteCount, this.#faults);
    if (path.endsWith(".safetensors")) {
      this.#inHeader(open, () => {
        open.reader = new SafetensorsReader(byteCount);
      });
    }
  }

  /** The next bytes of the file, which are not kept. */
  data(piece: Uint8Array): void {
    const open = this.#openFile();
    open.hash.update(piece);
    if (this.#isConfiguration(open) || this.#isTokenizer(open)) open.kept.push(new Uint8Array(piece));
    this.#inHeader(open, () => open.reader?.push(piece));
  }

  endFile(): void {
    const open = this.#openFile();
    this.#open = undefined;
    this.#inHeader(open, () => open.reader?.end());
    const digest = open.hash.digest("hex");
    this.#files.push({ path: open.path, byteCount: BigInt(open.byteCount), digest });
    if (this.#isChanged(open, digest)) return;
    if (open.reader !== undefined) this.#takeTensors(open.path, open.reader);
    if (this.#isConfiguration(open)) this.#takeConfiguration(Buffer.concat(open.kept));
    if (this.#isTokenizer(open)) checkTokenizer(this.#request.base, Buffer.concat(open.kept), this.#faults);
  }

  /** After the last file. */
  finish(): Inspected {
    const sound = this.#compare();
    const faults = this.#faults.found;
    return { faults, files: this.#files, sound: faults.length === 0 ? sound : undefined };
  }

  #openFile(): OpenFile {
    if (this.#open === undefined) throw new Error("No file is open.");
    return this.#open;
  }

  /** A file that is not what it was has no other fault. */
  #isChanged({ path, faultsBefore }: OpenFile, actual: string): boolean {
    const expected = this.#request.digests.get(path);
    if (expected === undefined || expected === actual) return false;
    this.#faults.keepFirst(faultsBefore);
    const { reason, message, metadata } = fileChanged(path, expected, actual);
    this.#faults.add(reason, message, metadata);
    return true;
  }

  #isConfiguration({ path, byteCount }: OpenFile): boolean {
    return path === configurationPath && sizeProblem(byteCount) === undefined;
  }

  #isTokenizer({ path, byteCount }: OpenFile): boolean {
    return byteCount <= limits.tokenizer_bytes && isTokenizer(path, this.#request.base);
  }

  #inHeader(open: OpenFile, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof HeaderProblem)) throw error;
      open.reader = undefined;
      const message = `${shownText(open.path)} is no safetensors file: ${error.message}. Save or copy it again.`;
      const metadata = {
        path: open.path,
        problem: error.message,
        ...(error.tensor !== "" && { tensor: error.tensor }),
      };
      this.#faults.add("ADAPTER_HEADER_INVALID", message, metadata);
    }
  }

  #takeTensors(path: string, { tensors, notFinite }: SafetensorsReader): void {
    this.#tensorCount += tensors.length;
    if (this.#tensorCount > limits.adapter_tensors) {
      const what = `The limit adapter_tensors is ${limits.adapter_tensors}; the adapter has more.`;
      const metadata = {
        limit: "adapter_tensors",
        maximum: String(limits.adapter_tensors),
        actual: String(this.#tensorCount),
      };
      this.#faults.add("LIMIT_EXCEEDED", what, metadata);
    }
    if (path === weightsPath) this.#weights = tensors;
    for (const { tensor, element } of notFinite) {
      const problem = `is NaN or infinite at element ${element}`;
      const message = `Tensor ${shownText(tensor)} ${problem}: the training diverged. Go back to a checkpoint before that.`;
      this.#faults.add("ADAPTER_NOT_FINITE", message, { tensor, problem });
    }
  }

  #takeConfiguration(bytes: Uint8Array): void {
    const known = this.#faults.found.length;
    const configuration = readConfiguration(bytes, configurationReport(this.#faults));
    if (configuration === undefined) return;
    checkNamedBase(this.#request.base, configuration, this.#faults);
    // What is wrong in it would be wrong again in every tensor.
    if (this.#faults.found.length === known) this.#configuration = configuration;
  }

  #compare(): SoundInspection | undefined {
    const [configuration, weights, { base }] = [this.#configuration, this.#weights, this.#request];
    if (configuration === undefined || weights === undefined) return undefined;
    const known = this.#faults.found.length;
    const report = configurationReport(this.#faults);
    const targets = chooseTargets({ configuration, base, adapted: adaptedModules(weights) }, this.#faults, report);
    if (this.#faults.found.length > known) return undefined;
    const changed = checkTensors({ tensors: weights, targets, configuration, base }, this.#faults, report);
    return {
      peft: peftConfiguration(configuration, targets, weights, changed),
      servability: servabilityOf({ configuration, targets, changed, base }),
    };
  }
}

function adaptedModules(tensors: readonly Tensor[]): Set<string> {
  const pairs = tensors.filter(({ name }) => name.startsWith(namePrefix) && name.includes(".lora_"));
  return new Set(pairs.map(({ name }) => name.slice(namePrefix.length, name.indexOf(".lora_"))));
}
