import { randomUUID } from "node:crypto";
import { Metadata as BareMetadata, Client, credentials } from "@grpc/grpc-js";
import { ChannelCredentials, createChannel, createClient, Metadata } from "nice-grpc";
import { AdapterServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../support/tiny-adapter.ts";
import { type RegistryLoad, type RegistrySpeed, runRegistryLoad } from "../registry-load.ts";

/** A bare client of our registry over one connection, as MLflow's is: `registry.ts ADDRESS TOKEN LOAD`, LOAD as JSON. Prints its speeds. */

const [address = "", token = "", given = "{}"] = process.argv.slice(2);
const load = JSON.parse(given) as RegistryLoad;
const channel = createChannel(address, ChannelCredentials.createInsecure());
const options = { "*": { metadata: Metadata({ authorization: `Bearer ${token}` }) } };
await createClient(BaseModelServiceDefinition, channel, options).registerBaseModel({
  baseModel: tinyBaseModel("base"),
});
const artifact = await uploadFiles(createClient(ArtifactServiceDefinition, channel, options), tinyAdapter("base"));
const files = { $case: "artifact", value: artifact.digest } as const;

channel.close();

interface Message<Value> {
  encode(value: Value): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Value;
}

interface Method<Request, Response> {
  readonly name: string;
  readonly requestType: Message<Request> & { fromPartial(value: object): Request };
  readonly responseType: Message<Response>;
}

const bare = new Client(address, credentials.createInsecure());
const metadata = new BareMetadata();
metadata.set("authorization", `Bearer ${token}`);

function call<Request, Response>(method: Method<Request, Response>, value: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  bare.makeUnaryRequest<Request, Response>(
    `/${AdapterServiceDefinition.fullName}/${method.name}`,
    (request) => Buffer.from(method.requestType.encode(request).finish()),
    (bytes) => method.responseType.decode(bytes),
    method.requestType.fromPartial(value),
    metadata,
    (error, response) => (error ? reject(error) : resolve(response)),
  );
  return promise;
}

const { methods } = AdapterServiceDefinition;
const speed: RegistrySpeed = await runRegistryLoad(load, {
  putAdapter: (adapter) => call(methods.putAdapter, { adapter }),
  register: (adapter) => call(methods.registerVersion, { adapter, files, request: randomUUID() }),
  moveAlias: (adapter, version) => call(methods.moveAlias, { adapter, alias: "production", version }),
  get: (adapter, version) => call(methods.getVersion, { version: `${adapter}@${version}` }),
  resolve: (adapter) => call(methods.resolveAlias, { name: `${adapter}@production` }),
});
bare.close();
process.stdout.write(`${JSON.stringify(speed)}\n`);
