import { randomUUID } from "node:crypto";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { ChannelCredentials, createChannel, createClient, Metadata } from "nice-grpc";
import { AdapterServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../support/tiny-adapter.ts";
import { type RegistryLoad, type RegistrySpeed, runRegistryLoad } from "../registry-load.ts";

/** A client of our registry on Node's bare HTTP, as MLflow's is, over one connection: `registry.ts ADDRESS TOKEN LOAD`, LOAD as JSON. Prints its speeds. */

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

const session = connect(`http://${address}`);
const prefixBytes = 5;

/** One unary call: a message in, a message out, each after a flag and its length. */
function call<Request, Response>(method: Method<Request, Response>, value: object): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const stream = session.request({
    ":method": "POST",
    ":path": `/${AdapterServiceDefinition.fullName}/${method.name}`,
    "content-type": "application/grpc",
    te: "trailers",
    authorization: `Bearer ${token}`,
  });
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  stream.once("error", reject);
  const settle = ({ "grpc-status": status, "grpc-message": message }: IncomingHttpHeaders) => {
    if (status === "0") resolve(method.responseType.decode(Buffer.concat(parts).subarray(prefixBytes)));
    else if (status !== undefined) reject(new Error(`${method.name} ended with ${status}: ${message}`));
  };
  // A failed call has its status before any message.
  stream.once("response", settle).once("trailers", settle);
  stream.end(framed(method.requestType.encode(method.requestType.fromPartial(value)).finish()));
  return promise;
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(prefixBytes + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}

const { methods } = AdapterServiceDefinition;
const speed: RegistrySpeed = await runRegistryLoad(load, {
  putAdapter: (adapter) => call(methods.putAdapter, { adapter }),
  register: (adapter) => call(methods.registerVersion, { adapter, files, request: randomUUID() }),
  moveAlias: (adapter, version) => call(methods.moveAlias, { adapter, alias: "production", version }),
  get: (adapter, version) => call(methods.getVersion, { version: `${adapter}@${version}` }),
  resolve: (adapter) => call(methods.resolveAlias, { name: `${adapter}@production` }),
});
session.close();
process.stdout.write(`${JSON.stringify(speed)}\n`);
