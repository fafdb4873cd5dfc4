import { isIPv6 } from "node:net";

export function hostAndPort(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for hosts that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What to say when a port cannot be had; `key` is where it is configured. */
export function cannotListen(host: string, port: number, key: string, cause: unknown): Error {
  const message = (cause as Error).message;
  const problem = message.includes("EADDRINUSE") ? "the port is taken" : message;
  return new Error(`Cannot listen on ${hostAndPort(host, port)} ("${key}"): ${problem}.`, { cause });
}
