/** A configuration that cannot be used; the message names the key, and where it stood. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}
