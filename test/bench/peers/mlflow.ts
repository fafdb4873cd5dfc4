import { Agent, request } from "node:http";
import { type RegistryLoad, type RegistrySpeed, runRegistryLoad } from "../registry-load.ts";

/** A client of MLflow's model registry: `mlflow.ts ADDRESS LOAD`, LOAD as JSON. Prints its speeds. */

const [address = "", given = "{}"] = process.argv.slice(2);
const load = JSON.parse(given) as RegistryLoad;
const agent = new Agent({ keepAlive: true, maxSockets: load.concurrency });

const speed: RegistrySpeed = await runRegistryLoad(load, {
  putAdapter: (name) => call("POST", "registered-models/create", { name }),
  register: (name) =>
    call("POST", "model-versions/create", { name, source: "s3://models/adapter", tags: [{ key: "rank", value: "2" }] }),
  moveAlias: (name, version) =>
    call("POST", "registered-models/alias", { name, alias: "production", version: String(version) }),
  get: (name, version) => call("GET", `model-versions/get?name=${name}&version=${version}`),
  resolve: (name) => call("GET", `registered-models/alias?name=${name}&alias=production`),
});
agent.destroy();
process.stdout.write(`${JSON.stringify(speed)}\n`);

function call(method: "GET" | "POST", path: string, body?: object): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { "content-type": "application/json" };
  const sent = request(`${address}/api/2.0/mlflow/${path}`, { method, agent, headers }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    response.once("error", reject);
    response.once("end", () => {
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`MLflow answered ${response.statusCode} to ${path}: ${text.slice(0, 200)}`));
    });
  });
  sent.once("error", reject);
  sent.end(body && JSON.stringify(body));
  return promise;
}
