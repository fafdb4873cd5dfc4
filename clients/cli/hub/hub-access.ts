import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InputError } from "../failure.ts";

export const publicHub = "https://huggingface.co";

const loopback = ["127.0.0.1", "[::1]", "localhost"];

/** The hub's address without a slash at its end: https, or http on this machine, since the token goes there. Throws InputError. */
export function hubEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && loopback.includes(url.hostname));
  if (url === undefined || !isSafe || url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new InputError(
      `The endpoint ${text} is not allowed: write https://HOST, or http://127.0.0.1:PORT on this machine.`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** What a token may be read from. */
export interface TokenPlaces {
  readonly tokenFile: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
}

/** From the file named, else HF_TOKEN, else the file that `hf auth login` writes. Throws InputError, without the token. */
export function readHubToken({ tokenFile, environment }: TokenPlaces): string {
  const loginFile = environment["HF_TOKEN_PATH"] ?? join(hubHome(environment), "token");
  const file = tokenFile ?? (environment["HF_TOKEN"] === undefined && existsSync(loginFile) ? loginFile : undefined);
  const token = (file === undefined ? (environment["HF_TOKEN"] ?? "") : readFileSync(file, "utf8")).trim();
  if (/^hf_[\x21-\x7e]+$/.test(token)) return token;
  const where = file ?? "HF_TOKEN";
  throw new InputError(
    token === ""
      ? "There is no token: set HF_TOKEN, or name a file with --token-file."
      : `${where} holds no access token: those begin with hf_.`,
  );
}

function hubHome(environment: NodeJS.ProcessEnv): string {
  const cache = environment["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return environment["HF_HOME"] ?? join(cache, "huggingface");
}
