import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "nice-grpc";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { RunServiceDefinition } from "../../proto/gen/loraloop/export/v1/run_service.ts";
import type { AdapterVersion } from "../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  AdapterServiceDefinition,
  type DeepPartial,
  type RegisterVersionRequest,
} from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { startTestRegistry, startTestServers } from "./registry-server.ts";
import { startTestServer, type TestServer } from "./server.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "./tiny-adapter.ts";

/** How often the registries of these tests look at holds, and how old those are that they release. */
export const quickly = { reconcile_seconds: 0.1, orphan_hold_seconds: 1 };

/** An export service and a registry that asks it, with clients of the tenant `default`. */
export interface Trainings extends AsyncDisposable {
  readonly exportServer: TestServer;
  readonly corpus: Client<CorpusServiceDefinition>;
  readonly exports: Client<ExportServiceDefinition>;
  readonly runs: Client<RunServiceDefinition>;
  readonly adapters: Client<AdapterServiceDefinition>;
  /** Registers a version of files of its own. */
  register(adapter: string, said?: DeepPartial<RegisterVersionRequest>): Promise<AdapterVersion>;
}

/** Both in one process, as `loraloop up` serves them. */
export async function trainingsTogether(): Promise<Trainings> {
  const server = await startTestServers({ registry: quickly });
  return trainings(server, server, server);
}

/** Each a server of its own; the registry has a token of the other one. */
export async function trainingsApart(): Promise<Trainings> {
  await using stack = new AsyncDisposableStack();
  const exportServer = stack.use(await startTestServer());
  const access = await accessTo(exportServer);
  const registry = stack.use(await startTestRegistry({ configuration: { ...quickly, ...access } }));
  const open = stack.move();
  return trainings(exportServer, registry, open);
}

/** What a registry's configuration says of an export service. */
export async function accessTo(
  exportServer: TestServer,
): Promise<{ readonly export_address: string; readonly export_token_file: string }> {
  const file = join(exportServer.dataDirectory, "registry-token");
  const scopes = ["tenant.any", "export.read", "export.write", "run.read"];
  const system = exportServer.client(TokenServiceDefinition, exportServer.systemToken);
  await writeFile(file, (await system.createToken({ scopes })).secret);
  return { export_address: exportServer.address, export_token_file: file };
}

const model = "tiny/model";

/** Clients of both. @param open closes them */
export async function trainings(
  exportServer: TestServer,
  registry: TestServer,
  open: AsyncDisposable,
): Promise<Trainings> {
  const [artifacts, adapters] = [registry.client(ArtifactServiceDefinition), registry.client(AdapterServiceDefinition)];
  await registry.client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel(model) });
  let made = 0;
  return {
    exportServer,
    corpus: exportServer.client(CorpusServiceDefinition),
    exports: exportServer.client(ExportServiceDefinition),
    runs: exportServer.client(RunServiceDefinition),
    adapters,
    async register(adapter, said = {}) {
      made += 1;
      const { digest } = await uploadFiles(artifacts, tinyAdapter(model, { fill: made / 1000 }));
      const files = { $case: "artifact", value: digest } as const;
      const { version } = await adapters.registerVersion({ adapter, files, ...said });
      if (version === undefined) throw new Error("The answer has no version.");
      return version;
    },
    [Symbol.asyncDispose]: async () => open[Symbol.asyncDispose](),
  };
}
