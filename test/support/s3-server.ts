import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { python, resultOf, startProgram } from "./command.ts";

const script = fileURLToPath(new URL("s3_server.py", import.meta.url));

/** The service takes any; the client wants some. */
const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  /** For what a test does beside the registry. */
  readonly client: S3Client;
  createBucket(name: string): Promise<void>;
}

/** Moto's S3, a process of its own. Clients of this process find credentials for it in the environment. */
export async function startS3Server(): Promise<S3Server> {
  Object.assign(process.env, credentials);
  const child = startProgram(python, [script], { env: { ...process.env } });
  const ended = resultOf(child);
  const port = await firstLine(child.stdout);
  if (port === undefined) throw new Error(`The S3 service did not start: ${(await ended).stderr}`);
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3Client({ endpoint, forcePathStyle: true, region: "us-east-1" });
  return {
    endpoint,
    client,
    createBucket: async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
    async [Symbol.asyncDispose]() {
      client.destroy();
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function firstLine(input: NodeJS.ReadableStream): Promise<string | undefined> {
  for await (const line of createInterface(input)) return line;
  return undefined;
}
