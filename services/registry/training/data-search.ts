import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { MessageRoom } from "../../kit/message-room.ts";
import type { StoreReader, TenantId } from "../../store/store.ts";
import type { DataSources } from "./data-origin.ts";

/** A search for the versions that have something in them, and the page that it fills. */
export interface DataSearch {
  readonly store: StoreReader;
  readonly tenant: TenantId;
  readonly sources: DataSources;
  readonly limit: number;
  /** By name, in order. */
  readonly found: Map<string, AdapterVersion>;
  /** What is left of the answer. */
  readonly room: MessageRoom;
}

/** Where a search goes on. */
export interface SearchPosition {
  /** First come the versions that were trained on it themselves, then those that inherited it. */
  readonly pass: "own" | "inherited";
  /** Page of the sources. */
  readonly pageToken: string;
  /** The source of that page whose versions come next, and where they go on; from the first one where empty. */
  readonly source: string;
  readonly start: Uint8Array | undefined;
  /** Of the second pass: name of the descendant that comes next of the version at `start`; the first one where empty. */
  readonly heir: string;
}

/** The beginning of a pass. */
export function beginningOf(pass: SearchPosition["pass"], pageToken = ""): SearchPosition {
  return { pass, pageToken, source: "", start: undefined, heir: "" };
}

export function encodePosition({ start, ...position }: SearchPosition): Uint8Array {
  return Buffer.from(JSON.stringify({ ...position, start: start && Buffer.from(start).toString("hex") }));
}

export function decodePosition(bytes: Uint8Array): SearchPosition {
  const { start, ...position } = JSON.parse(Buffer.from(bytes).toString());
  return { ...position, start: start === undefined ? undefined : Buffer.from(start, "hex") };
}
