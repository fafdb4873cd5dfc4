import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sha256 } from "./exported-folder.ts";

/** A call as the hub sees it. */
export interface HubCall {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What happens to a call instead of an answer: a status, or the connection breaks before or after the work is done. */
export type Mishap = number | "cut" | "cut after";

export interface HubRepository {
  readonly private: boolean;
  readonly files: Map<string, Buffer>;
  commits: number;
}

/** Larger objects come in parts. */
const partBytes = 200_000;

/** The Hugging Face Hub as far as uploads into dataset repositories need it: its HTTP interface, with LFS storage beside it. */
export class HubServer implements AsyncDisposable {
  readonly token = "hf_onlyForTests";
  readonly repositories: Map<string, HubRepository> = new Map();
  readonly objects: Map<string, Buffer> = new Map();
  readonly calls: HubCall[] = [];
  /** Announces Xet storage, as the hub does today, and counts there the bytes that the chunks stand for. */
  xet: { chunkBytes: number; token: string } | undefined;
  /** Asked before each call. */
  mishap: (call: HubCall) => Mishap | undefined = () => undefined;
  readonly #server: Server;
  readonly #parts = new Map<string, Buffer>();

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<HubServer> {
    const hub = new HubServer();
    hub.#server.listen(0, "127.0.0.1");
    await once(hub.#server, "listening");
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Calls of a method whose path contains a text. */
  count(method: string, text: string): number {
    return this.calls.filter((call) => call.method === method && call.path.includes(text)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await request.toArray().catch(() => []));
    if (request.destroyed && !request.complete) return;
    const path = new URL(request.url ?? "", this.endpoint).pathname;
    const call: HubCall = { method: request.method ?? "", path, headers: request.headers, body };
    this.calls.push(call);
    const mishap = this.mishap(call);
    if (mishap === "cut") return void request.socket.destroy();
    if (typeof mishap === "number") return send(response, mishap, { error: `mishap ${mishap}` });
    const [status, value, headers] = this.#work(call);
    if (mishap === "cut after") return void request.socket.destroy();
    send(response, status, value, headers);
  }

  #work(call: HubCall): Answer {
    if (call.path.startsWith("/storage/")) return this.#store(call);
    if (call.path.startsWith("/xet/")) return this.#storeChunks(call);
    if (call.headers.authorization !== `Bearer ${this.token}`) return [401, { error: "Invalid credentials" }];
    if (call.path === "/api/repos/create") return this.#create(call);
    const [, name = "", rest = ""] = /^(?:\/api)?\/datasets\/([^/]+\/[^/]+?)(?:\.git)?\/(.*)$/.exec(call.path) ?? [];
    const repository = this.repositories.get(name);
    if (repository === undefined) return [404, { error: "Repository not found" }, { "X-Error-Code": "RepoNotFound" }];
    if (rest === "revision/HEAD") return [200, { _id: name, id: name, private: repository.private }];
    if (rest === "preupload/main") return [200, { files: preupload(call.body) }];
    if (rest === "info/lfs/objects/batch") return [200, this.#batch(call.body)];
    if (rest === "commit/main") return this.#commit(repository, call.body);
    return resolve(repository, rest.replace("resolve/main/", ""), call);
  }

  #create({ body }: HubCall): Answer {
    const { name, organization, visibility, type } = JSON.parse(body.toString()) as Record<string, string>;
    if (type !== "dataset") return [400, { error: "not a dataset" }];
    const full = `${organization}/${name}`;
    if (this.repositories.has(full)) return [409, { error: "You already created this dataset repo" }];
    this.repositories.set(full, { private: visibility === "private", files: new Map(), commits: 0 });
    return [200, { url: `${this.endpoint}/datasets/${full}`, id: full }];
  }

  #batch(body: Buffer): object {
    const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
    return {
      transfer: this.xet ? "xet" : "multipart",
      objects: objects.map(({ oid, size }) => ({
        oid,
        size,
        ...(!this.objects.has(oid) && { actions: { upload: this.#upload(oid, size) } }),
      })),
    };
  }

  #upload(oid: string, size: number): object {
    if (this.xet) {
      // What Xet keeps is checked by size only.
      this.objects.set(oid, Buffer.alloc(size));
      const header = {
        "X-Xet-Cas-Url": `${this.endpoint}/xet`,
        "X-Xet-Access-Token": this.xet.token,
        "X-Xet-Token-Expiration": String(Math.ceil(Date.now() / 1000) + 3600),
        "X-Xet-Session-Id": "session",
      };
      return { href: `${this.endpoint}/api/datasets/xet-write-token`, header };
    }
    const href = `${this.endpoint}/storage/${oid}`;
    if (size <= partBytes) return { href: `${href}?signature=secret` };
    const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, place) =>
      String(place + 1).padStart(5, "0"),
    );
    const parts = numbers.map((number) => [number, `${href}/${number}?signature=secret`]);
    return { href, header: { chunk_size: String(partBytes), ...Object.fromEntries(parts) } };
  }

  /** Storage is another service: the hub's token must not come here. */
  #store({ method, path, headers, body }: HubCall): Answer {
    if (headers.authorization !== undefined) return [400, { error: "a token for somebody else" }];
    const [, , oid = "", part] = path.split("/");
    if (part !== undefined) {
      this.#parts.set(`${oid}/${part}`, body);
      return [200, {}, { ETag: `"${sha256(body)}"` }];
    }
    const bytes = method === "POST" ? this.#joinParts(oid, body) : body;
    if (bytes === undefined || sha256(bytes) !== oid) return [400, { error: "another digest" }];
    this.objects.set(oid, bytes);
    return [200, {}];
  }

  /** Xorbs hold chunks, each after a header of 8 bytes: version, packed length (3), compression, length (3). */
  #storeChunks({ path, headers, body }: HubCall): Answer {
    if (this.xet === undefined || headers.authorization !== `Bearer ${this.xet.token}`) return [401, {}];
    if (path.startsWith("/xet/v1/chunks/")) return [404, {}];
    if (path === "/xet/v1/shards") return [200, { result: 1 }];
    for (let start = 0; start + 8 <= body.length && body[start] === 0; start += 8 + body.readUIntLE(start + 1, 3)) {
      this.xet.chunkBytes += body.readUIntLE(start + 5, 3);
    }
    return [200, { was_inserted: true }];
  }

  #joinParts(oid: string, body: Buffer): Buffer | undefined {
    const { parts } = JSON.parse(body.toString()) as { parts: { partNumber: number; etag: string }[] };
    const bytes = parts.map(({ partNumber, etag }) => {
      const part = this.#parts.get(`${oid}/${String(partNumber).padStart(5, "0")}`);
      return part && etag === `"${sha256(part)}"` ? part : undefined;
    });
    return bytes.every((each) => each !== undefined) ? Buffer.concat(bytes) : undefined;
  }

  /** All of it or nothing. */
  #commit(repository: HubRepository, body: Buffer): Answer {
    const files = new Map(repository.files);
    for (const line of body.toString().split("\n")) {
      const { key, value } = JSON.parse(line) as { key: string; value: Record<string, string> };
      const { path = "", content = "", oid = "" } = value;
      const bytes = key === "file" ? Buffer.from(content, "base64") : this.objects.get(oid);
      if (key === "deletedFile" && !files.delete(path)) return [404, { error: `${path} is not there` }];
      if (key !== "file" && key !== "lfsFile") continue;
      if (bytes === undefined) return [400, { error: `${path} was not uploaded` }];
      files.set(path, bytes);
    }
    repository.files.clear();
    for (const [path, bytes] of files) repository.files.set(path, bytes);
    repository.commits += 1;
    return [200, { success: true, commitOid: "0".repeat(40), commitUrl: `${this.endpoint}/commit` }];
  }
}

type Answer = readonly [status: number, value: object | Buffer, headers?: Record<string, string>];

function send(response: ServerResponse, status: number, value: object | Buffer, headers = {}): void {
  const isBytes = Buffer.isBuffer(value);
  response.writeHead(status, { "Content-Type": isBytes ? "application/octet-stream" : "application/json", ...headers });
  response.end(isBytes ? value : JSON.stringify(value));
}

/** Samples and large files go to LFS. */
function preupload(body: Buffer): object[] {
  const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
  return files.map(({ path, size }) => {
    const isLarge = /\.(jsonl|parquet|gz|zst)$/.test(path) || size > 10_000_000;
    return { path, uploadMode: isLarge ? "lfs" : "regular" };
  });
}

function resolve({ files }: HubRepository, path: string, { headers }: HubCall): Answer {
  const bytes = files.get(path);
  if (bytes === undefined) return [404, { error: "Entry not found" }, { "X-Error-Code": "EntryNotFound" }];
  const [, from = "0", to] = /^bytes=(\d+)-(\d+)?$/.exec(headers.range ?? "") ?? [];
  const end = Math.min(Number(to ?? bytes.length - 1), bytes.length - 1);
  const range = { "Content-Range": `bytes ${from}-${end}/${bytes.length}`, ETag: `"${sha256(bytes)}"` };
  return [headers.range === undefined ? 200 : 206, bytes.subarray(Number(from), end + 1), range];
}
