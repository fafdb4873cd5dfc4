import { randomUUID } from "node:crypto";
import { ChannelCredentials, createChannel, createClient, Metadata } from "nice-grpc";
import { AdapterServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../support/tiny-adapter.ts";
import { type RegistryLoad, type RegistrySpeed, runRegistryLoad } from "../registry-load.ts";

/** A client of our registry over one connection: `registry.ts ADDRESS TOKEN LOAD`, LOAD as JSON. Prints its speeds. */

const [address = "", token = "", given = "{}"] = process.argv.slice(2);
const load = JSON.parse(given) as RegistryLoad;
const channel = createChannel(address, ChannelCredentials.createInsecure());
const options = { "*": { metadata: Metadata({ authorization: `Bearer ${token}` }) } };
const adapters = createClient(AdapterServiceDefinition, channel, options);

await createClient(BaseModelServiceDefinition, channel, options).registerBaseModel({
  baseModel: tinyBaseModel("base"),
});
const artifact = await uploadFiles(createClient(ArtifactServiceDefinition, channel, options), tinyAdapter("base"));
const files = { $case: "artifact", value: artifact.digest } as const;

const speed: RegistrySpeed = await runRegistryLoad(load, {
  putAdapter: (adapter) => adapters.putAdapter({ adapter }),
  register: (adapter) => adapters.registerVersion({ adapter, files, request: randomUUID() }),
  moveAlias: (adapter, version) => adapters.moveAlias({ adapter, alias: "production", version }),
  get: (adapter, version) => adapters.getVersion({ version: `${adapter}@${version}` }),
  resolve: (adapter) => adapters.resolveAlias({ name: `${adapter}@production` }),
});
channel.close();
process.stdout.write(`${JSON.stringify(speed)}\n`);
