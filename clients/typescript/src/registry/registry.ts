import type {
  Adapter,
  AdapterVersion,
  AliasMove,
  MetricValue,
} from "../../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  AdapterServiceDefinition,
  type DeepPartial,
  type FindVersionsRequest,
  type GetLineageResponse,
} from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import {
  type BaseModel,
  BaseModelServiceDefinition,
} from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Link } from "../link.ts";
import { signFiles } from "../model-signature.ts";
import type { OpenRun } from "../open-run.ts";
import { answered } from "./answered.ts";
import { type BaseModelNames, readBaseModel } from "./base-model-folder.ts";
import { compareFolder, type FileDifference } from "./compare-files.ts";
import { type DownloadedVersion, type DownloadOptions, downloadVersion } from "./download.ts";
import type { ReadFolderOptions } from "./folder-files.ts";
import { itemsOf } from "./pages.ts";
import { type NameRequest, nameByContent, type RegisterVersionOptions, registerVersion } from "./register-version.ts";
import { RevisionList } from "./revision-list.ts";
import { checkClosable, closeWith } from "./run-closing.ts";
import type { RegistryServices } from "./services.ts";
import { type AdapterCommit, type WatchAdaptersOptions, watchAdapters } from "./watch.ts";

/** What to list, and whether deleted ones count. */
export interface ListOptions {
  /** CEL; all by default. */
  readonly filter?: string;
  readonly includeDeleted?: boolean;
}

export interface ListVersionsOptions extends ListOptions {
  /** Only of this adapter. */
  readonly adapter?: string;
}

export interface MoveAliasOptions {
  /** `revision` of the alias that was seen, 0 for a new one: whoever moved it since wins. By default it is moved whatever it is. */
  readonly expectedRevision?: bigint;
  readonly reason?: string;
}

/**
 * Base models, adapters and their versions. A version is named `<adapter>@<number>` or `<adapter>@<alias>`. What is not here, `adapters`, `artifacts` and
 * `baseModels` can do: they are the services as their protos say.
 */
export class Registry implements RegistryServices {
  readonly address: string;
  readonly adapters: RegistryServices["adapters"];
  readonly artifacts: RegistryServices["artifacts"];
  readonly baseModels: RegistryServices["baseModels"];
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
    this.address = link.address;
    this.adapters = link.open(AdapterServiceDefinition);
    this.artifacts = link.open(ArtifactServiceDefinition);
    this.baseModels = link.open(BaseModelServiceDefinition);
  }

  /** Waits until the registry can be reached. Throws ConnectionError after `seconds` (30). */
  connect(seconds = 30): Promise<void> {
    return this.#link.connect(seconds);
  }

  /** Registers the model in a folder: reads its `config.json` and weights, sends what they say, not the weights. Idempotent. */
  async registerBaseModel(folder: string, names: BaseModelNames, options: ReadFolderOptions = {}): Promise<BaseModel> {
    const baseModel = await readBaseModel(folder, names, options);
    return answered((await this.baseModels.registerBaseModel({ baseModel })).baseModel);
  }

  /** By name and revision, without layers. */
  listBaseModels(): AsyncGenerator<BaseModel> {
    return itemsOf(
      (pageToken) => this.baseModels.listBaseModels({ pageToken }),
      ({ baseModels }) => baseModels,
    );
  }

  /**
   * Registers the next version of an adapter: sends the files of a folder unless they are there, and returns when the registry has checked them. With `run`, the
   * run's snapshots, environment and metrics become the version's, and the snapshots are held. Where the adapter names its base model by a folder of this machine,
   * the weights and the tokenizer in it are read and compared with what was registered, unless the options say the `baseModel`. Made once, however often the connection breaks.
   * @param files a folder, or a `file://` or `s3://` URI of files that stay where they are
   */
  registerVersion(adapter: string, files: string, options: RegisterVersionOptions = {}): Promise<AdapterVersion> {
    return registerVersion(this, adapter, files, options);
  }

  /**
   * The end of a training: registers what it made, as `registerVersion` with this run, and closes the run with it. The same again, e.g. where the run could not be
   * closed, gives the same version. Where the run is closed with anything else nothing is registered: RUN_CONFLICT.
   */
  async registerRun(
    run: OpenRun,
    adapter: string,
    files: string,
    options: RegisterVersionOptions = {},
  ): Promise<AdapterVersion> {
    const name: NameRequest = async (said) => {
      const request = said.request || nameByContent(said);
      await checkClosable(this, run, { adapter, request });
      return request;
    };
    const version = await registerVersion(this, adapter, files, { ...options, run: run.id }, name);
    await closeWith(run, version.name);
    return version;
  }

  /** The version that an alias points at, where it may be served. @param engine only where this kind of server can serve it, e.g. `vllm` */
  async resolve(name: string, { engine = "" }: { readonly engine?: string } = {}): Promise<AdapterVersion> {
    return answered((await this.adapters.resolveAlias({ name, engine })).version);
  }

  async getAdapter(
    adapter: string,
    { includeDeleted = false }: Pick<ListOptions, "includeDeleted"> = {},
  ): Promise<Adapter> {
    return answered((await this.adapters.getAdapter({ adapter, includeDeleted })).adapter);
  }

  /** A version, whatever its state. */
  async getVersion(version: string): Promise<AdapterVersion> {
    return answered((await this.adapters.getVersion({ version })).version);
  }

  /** By name. */
  listAdapters(options: ListOptions = {}): RevisionList<Adapter> {
    return new RevisionList(async (pageToken) => {
      const { adapters: items, ...page } = await this.adapters.listAdapters({ ...options, pageToken });
      return { items, ...page };
    });
  }

  /** By adapter and number, without files and what is long; see ListVersions. */
  listVersions(options: ListVersionsOptions = {}): RevisionList<AdapterVersion> {
    return new RevisionList(async (pageToken) => {
      const { versions: items, ...page } = await this.adapters.listVersions({ ...options, pageToken });
      return { items, ...page };
    });
  }

  /**
   * Versions that came from something, deleted ones too; each once. By record, subject, snapshot or run then also all that were trained on from these, in whatever number of
   * steps: `inheritedFrom` names the ancestor. By record or subject the token needs `export.read` too.
   */
  async *findVersions(origin: NonNullable<DeepPartial<FindVersionsRequest>["origin"]>): AsyncGenerator<AdapterVersion> {
    const seen = new Set<string>();
    const ask = (pageToken: string) => this.adapters.findVersions({ origin, pageToken });
    for await (const version of itemsOf(ask, ({ versions }) => versions)) {
      if (!seen.has(version.name)) yield version;
      seen.add(version.name);
    }
  }

  /** Points an alias at a version, 0 to remove it; says what it pointed at. */
  async moveAlias(adapter: string, alias: string, version: number, options: MoveAliasOptions = {}): Promise<AliasMove> {
    return answered((await this.adapters.moveAlias({ adapter, alias, version, ...options })).move);
  }

  /** Moves of an alias, or of all of an adapter, newest first. */
  listAliasMoves(adapter: string, alias = ""): AsyncGenerator<AliasMove> {
    return itemsOf(
      (pageToken) => this.adapters.listAliasMoves({ adapter, alias, pageToken }),
      ({ moves }) => moves,
    );
  }

  /** Adds values of metrics, measured now, by the clock of this machine, unless they say otherwise. The same metric, time, step and source again replaces a value. */
  async reportMetrics(version: string, values: readonly DeepPartial<MetricValue>[]): Promise<AdapterVersion> {
    // Said again after a lost answer, values without a time would be others.
    const millis = Date.now();
    const now = { seconds: BigInt(Math.floor(millis / 1000)), nanos: (millis % 1000) * 1_000_000 };
    const timed = values.map((value) => ({ ...value, time: value.time ?? now }));
    return answered((await this.adapters.reportMetrics({ version, values: timed })).version);
  }

  /** Values of a metric, or of all, by metric, time, step and source. */
  listMetrics(version: string, metric = ""): AsyncGenerator<MetricValue> {
    return itemsOf(
      (pageToken) => this.adapters.listMetrics({ version, metric, pageToken }),
      ({ values }) => values,
    );
  }

  /** What a version came from. @param records tells so many of each snapshot, up to 1,000; the token needs `export.read` too */
  getLineage(version: string, { records = 0 }: { readonly records?: number } = {}): Promise<GetLineageResponse> {
    return this.adapters.getLineage({ version, records });
  }

  /** Every change, commit by commit, in order, none twice and none left out, until the loop is left. Throws RevisionCompactedError: then list again, and watch from the list's revision. */
  watch(options: WatchAdaptersOptions = {}): AsyncGenerator<AdapterCommit> {
    return watchAdapters((request, call) => this.adapters.watchAdapters(request, call), options);
  }

  /** Fetches a version's files, unless they are there already, and checks each. The folder appears whole and right, or not at all. */
  download(version: string, options: DownloadOptions = {}): Promise<DownloadedVersion> {
    return downloadVersion(this.artifacts, version, options);
  }

  /** How the files of a folder differ from those that were registered; nothing where they are the same. Links and pickles are differences like others. */
  async verifyFolder(version: string, folder: string, options: ReadFolderOptions = {}): Promise<FileDifference[]> {
    const { artifact } = await this.getVersion(version);
    return await compareFolder(answered(artifact).files, folder, options);
  }

  /** Signs the digests of a version's files with an Ed25519 key (PEM, PKCS #8), and keeps the signature with the version. Check the files before, with `verifyFolder`. */
  async sign(version: string, privateKey: string): Promise<AdapterVersion> {
    const { name, artifact } = await this.getVersion(version);
    const signatureBundleJson = signFiles(name, answered(artifact).files, privateKey);
    return answered((await this.adapters.signVersion({ version: name, signatureBundleJson })).version);
  }
}
