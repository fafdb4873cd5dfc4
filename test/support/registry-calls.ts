import { randomBytes } from "node:crypto";
import type { Client } from "nice-grpc";
import {
  AdapterServiceDefinition,
  RenderVersionsRequest_Format,
  type WatchAdaptersResponse,
} from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { TestServer } from "./server.ts";
import { type TinyFile, tinyAdapter, tinyBaseModel, uploadFiles } from "./tiny-adapter.ts";

/** The services of the registry. */
export const registryServices = [BaseModelServiceDefinition, ArtifactServiceDefinition, AdapterServiceDefinition];

/** One tenant's clients of the registry. */
export interface RegistryClients {
  readonly models: Client<BaseModelServiceDefinition>;
  readonly artifacts: Client<ArtifactServiceDefinition>;
  readonly adapters: Client<AdapterServiceDefinition>;
}

export function registryClients(server: TestServer, token: string): RegistryClients {
  return {
    models: server.client(BaseModelServiceDefinition, token),
    artifacts: server.client(ArtifactServiceDefinition, token),
    adapters: server.client(AdapterServiceDefinition, token),
  };
}

/** What a tenant's things are called. */
export interface RegistryNames {
  readonly adapter: string;
  readonly alias: string;
  readonly baseModel: string;
  readonly request: string;
  readonly collection: string;
  readonly record: string;
  readonly subject: string;
  /** Digest. */
  readonly artifact: string;
  /** URI. */
  readonly artifactUri: string;
  /** Key. */
  readonly snapshot: string;
  readonly run: string;
}

/** Names of things that nobody has, of the same form and length; those of a tenant hold "geheim". */
export function strangeNames(names: RegistryNames): RegistryNames {
  const strange = (name: string) => name.replaceAll("geheim", "anders");
  const artifact = randomBytes(32).toString("hex");
  return {
    adapter: strange(names.adapter),
    alias: strange(names.alias),
    baseModel: strange(names.baseModel),
    request: strange(names.request),
    collection: strange(names.collection),
    record: strange(names.record),
    subject: strange(names.subject),
    artifact,
    artifactUri: names.artifactUri.replaceAll(names.artifact, artifact),
    snapshot: randomBytes(32).toString("hex"),
    run: strange(names.run),
  };
}

type RegistryCall = (clients: RegistryClients, names: RegistryNames) => Promise<unknown>;

const ownModel = "own/model";
const ownFiles: readonly TinyFile[] = tinyAdapter(ownModel, { fill: 0.25 });
const own = "own-adapter";
const formats = RenderVersionsRequest_Format;

const files = (artifact: string) => ({ $case: "artifact" as const, value: artifact });

/** Registers a version of the caller's own files, but for what is given. */
async function register({ artifacts, adapters }: RegistryClients, changes: object): Promise<unknown> {
  const { digest } = await uploadFiles(artifacts, ownFiles);
  return adapters.registerVersion({ adapter: own, files: files(digest), ...changes });
}

async function watched(watch: AsyncIterable<WatchAdaptersResponse>, revision: bigint): Promise<unknown> {
  const messages: WatchAdaptersResponse[] = [];
  for await (const message of watch) {
    messages.push(message);
    if (message.change?.$case === "checkpoint" && message.revision >= revision) break;
  }
  return messages;
}

const origins = ({ collection, record, subject, snapshot, run, adapter, baseModel }: RegistryNames) => [
  { $case: "record" as const, value: { collection, record } },
  { $case: "subject" as const, value: { collection, subject } },
  { $case: "subject" as const, value: { collection: "", subject } },
  { $case: "snapshot" as const, value: snapshot },
  { $case: "run" as const, value: run },
  { $case: "parent" as const, value: `${adapter}@1` },
  { $case: "baseModel" as const, value: { name: baseModel } },
];

/** Calls of every RPC, in an order in which each may use what the ones before made: all of a stranger who knows somebody's names. */
export const strangerCalls: Readonly<Record<string, readonly RegistryCall[]>> = {
  "BaseModelService/GetBaseModel": [({ models }, { baseModel }) => models.getBaseModel({ name: baseModel })],
  "BaseModelService/RegisterBaseModel": [
    ({ models }) => models.registerBaseModel({ baseModel: tinyBaseModel(ownModel) }),
  ],
  "ArtifactService/GetArtifact": [({ artifacts }, { artifact }) => artifacts.getArtifact({ digest: artifact })],
  "ArtifactService/UploadArtifact": [({ artifacts }) => uploadFiles(artifacts, ownFiles)],
  "ArtifactService/DownloadArtifact": [
    ({ artifacts }, { adapter, alias }) =>
      Array.fromAsync(artifacts.downloadArtifact({ version: `${adapter}@${alias}` })),
    ({ artifacts }, { adapter }) =>
      Array.fromAsync(artifacts.downloadArtifact({ version: `${adapter}@1`, allowUnservable: true })),
  ],
  "AdapterService/GetAdapter": [({ adapters }, { adapter }) => adapters.getAdapter({ adapter, includeDeleted: true })],
  "AdapterService/DeleteAdapter": [({ adapters }, { adapter }) => adapters.deleteAdapter({ adapter })],
  "AdapterService/RestoreAdapter": [({ adapters }, { adapter }) => adapters.restoreAdapter({ adapter })],
  "AdapterService/RegisterVersion": [
    ({ adapters }, { adapter, artifact }) => adapters.registerVersion({ adapter, files: files(artifact) }),
    ({ adapters }, { adapter, artifactUri }) =>
      adapters.registerVersion({ adapter, files: { $case: "uri", value: artifactUri } }),
    (clients, { baseModel }) => register(clients, { baseModel: { name: baseModel } }),
    (clients, { adapter }) => register(clients, { parent: `${adapter}@1` }),
    (clients, { adapter, alias }) => register(clients, { parent: `${adapter}@${alias}` }),
    (clients, { snapshot }) => register(clients, { snapshots: [snapshot] }),
    (clients, { run }) => register(clients, { run }),
    (clients, { request }) => register(clients, { request }),
  ],
  "AdapterService/GetVersion": [
    ({ adapters }, { adapter }) => adapters.getVersion({ version: `${adapter}@1` }),
    ({ adapters }, { adapter, alias }) => adapters.getVersion({ version: `${adapter}@${alias}` }),
  ],
  "AdapterService/PutVersionMetadata": [
    ({ adapters }, { adapter }) => adapters.putVersionMetadata({ version: `${adapter}@1`, metadata: { a: "b" } }),
  ],
  "AdapterService/VerifyVersion": [({ adapters }, { adapter }) => adapters.verifyVersion({ version: `${adapter}@1` })],
  "AdapterService/QuarantineVersion": [
    ({ adapters }, { adapter }) => adapters.quarantineVersion({ version: `${adapter}@1`, reason: "strange" }),
  ],
  "AdapterService/ReleaseVersion": [
    ({ adapters }, { adapter }) => adapters.releaseVersion({ version: `${adapter}@1` }),
  ],
  "AdapterService/DeleteVersion": [({ adapters }, { adapter }) => adapters.deleteVersion({ version: `${adapter}@1` })],
  "AdapterService/RestoreVersion": [
    ({ adapters }, { adapter }) => adapters.restoreVersion({ version: `${adapter}@1` }),
  ],
  "AdapterService/SignVersion": [
    ({ adapters }, { adapter }) => adapters.signVersion({ version: `${adapter}@1`, signatureBundleJson: "{}" }),
  ],
  "AdapterService/MoveAlias": [
    ({ adapters }, { adapter, alias }) => adapters.moveAlias({ adapter, alias, version: 1 }),
    ({ adapters }, { adapter, alias }) => adapters.moveAlias({ adapter, alias, version: 0, expectedRevision: 1n }),
  ],
  "AdapterService/ResolveAlias": [
    ({ adapters }, { adapter, alias }) => adapters.resolveAlias({ name: `${adapter}@${alias}`, engine: "vllm" }),
  ],
  "AdapterService/ListAliasMoves": [
    ({ adapters }, { adapter, alias }) => adapters.listAliasMoves({ adapter, alias }),
    ({ adapters }, { adapter }) => adapters.listAliasMoves({ adapter }),
  ],
  "AdapterService/ReportMetrics": [
    ({ adapters }, { adapter }) =>
      adapters.reportMetrics({ version: `${adapter}@1`, values: [{ metric: "eval_loss", value: 1 }] }),
  ],
  "AdapterService/ListMetrics": [({ adapters }, { adapter }) => adapters.listMetrics({ version: `${adapter}@1` })],
  "AdapterService/GetLineage": [
    ({ adapters }, { adapter }) => adapters.getLineage({ version: `${adapter}@1`, records: 10 }),
  ],
  "AdapterService/FindVersions": [
    async ({ adapters }, names) => {
      const found = [];
      for (const origin of origins(names)) found.push(await outcome(adapters.findVersions({ origin })));
      return found;
    },
  ],
  "AdapterService/RenderVersions": [
    ({ adapters }, { adapter }) =>
      adapters.renderVersions({ versions: [`${adapter}@1`], format: formats.FORMAT_ADAPTER_METADATA }),
    ({ adapters }, { adapter }) =>
      adapters.renderVersions({ versions: [`${own}@1`, `${adapter}@1`], format: formats.FORMAT_VLLM_ARGUMENTS }),
  ],
  "AdapterService/ImportVersions": [
    ({ adapters }, { adapter, artifactUri }) => {
      const content = JSON.stringify([{ id: adapter, domain: "law", method: "lora", rank: 2 }]);
      return adapters.importVersions({ format: formats.FORMAT_ADAPTER_REGISTRY, content, baseUri: artifactUri });
    },
  ],
  "AdapterService/PutAdapter": [
    ({ adapters }, { adapter }) => adapters.putAdapter({ adapter, description: "a stranger's" }),
  ],
  "AdapterService/PutSignaturePolicy": [({ adapters }) => adapters.putSignaturePolicy({ policy: { required: false } })],
  "AdapterService/GetSignaturePolicy": [({ adapters }) => adapters.getSignaturePolicy({})],
  "BaseModelService/ListBaseModels": [({ models }) => models.listBaseModels({})],
  "BaseModelService/DeleteBaseModel": [({ models }, { baseModel }) => models.deleteBaseModel({ name: baseModel })],
  "AdapterService/ListAdapters": [
    ({ adapters }) => adapters.listAdapters({ includeDeleted: true }),
    ({ adapters }, { adapter }) => adapters.listAdapters({ filter: `adapter.name == "${adapter}"` }),
  ],
  "AdapterService/ListVersions": [
    ({ adapters }) => adapters.listVersions({ includeDeleted: true }),
    ({ adapters }, { adapter }) => adapters.listVersions({ adapter, includeDeleted: true }),
  ],
  "AdapterService/WatchAdapters": [
    async ({ adapters }) => {
      const { revision } = await adapters.listAdapters({});
      return watched(adapters.watchAdapters({ afterRevision: 0n }), revision);
    },
    async ({ adapters }, { adapter }) => {
      const { revision } = await adapters.listAdapters({});
      return watched(adapters.watchAdapters({ afterRevision: 0n, adapter }), revision);
    },
  ],
};

/** What came of a call: its answer, or its error. */
export function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (answer) => ({ answer }),
    (error: Error & { code?: unknown; details?: unknown; extra?: unknown }) => ({
      code: error.code,
      details: error.details,
      extra: error.extra,
    }),
  );
}
