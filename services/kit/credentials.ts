import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import { isLoopback } from "./address.ts";
import type { ServerConfiguration } from "./configuration.ts";
import { ConfigurationError } from "./configuration-error.ts";

/** TLS where a certificate is configured; without one only loopback is served, unless plaintext is allowed. Throws ConfigurationError. */
export function serverCredentials(configuration: ServerConfiguration): ServerCredentials {
  const { tls_certificate_file: certificate, tls_key_file: key } = configuration;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new ConfigurationError(`"tls_certificate_file" and "tls_key_file" are set together or not at all.`);
  }
  if (certificate !== undefined && key !== undefined) return tls(certificate, key);
  if (isLoopback(configuration.listen_host) || configuration.allow_plaintext) return ServerCredentials.createInsecure();
  throw new ConfigurationError(
    `"listen_host": ${configuration.listen_host} is reached from outside, which needs "tls_certificate_file" and "tls_key_file" (or "allow_plaintext": true behind a proxy).`,
  );
}

function tls(certificateFile: string, keyFile: string): ServerCredentials {
  const pair = {
    cert_chain: readPem("tls_certificate_file", certificateFile),
    private_key: readPem("tls_key_file", keyFile),
  };
  try {
    // grpc-js would find out only when it listens.
    createSecureContext({ cert: pair.cert_chain, key: pair.private_key });
    return ServerCredentials.createSsl(null, [pair]);
  } catch (cause) {
    const problem = (cause as Error).message;
    throw new ConfigurationError(`"tls_certificate_file", "tls_key_file": ${problem}`, { cause });
  }
}

function readPem(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ConfigurationError(`"${key}": ${(cause as Error).message}`, { cause });
  }
}
