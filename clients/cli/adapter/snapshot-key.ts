import type { Command } from "commander";
import { withClient } from "../session.ts";

/** The whole key of a snapshot; the server looks one up by its first digits, 8 or more, as tables show them. */
export async function snapshotKey(key: string, command: Command): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(key)) return key;
  return withClient(command, async (client) => {
    const { snapshot } = await client.export.getSnapshot({ snapshot: key });
    return snapshot?.key ?? key;
  });
}
