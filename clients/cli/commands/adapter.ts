import { Command } from "commander";
import { alias } from "./adapter/alias.ts";
import { remove } from "./adapter/delete.ts";
import { diff } from "./adapter/diff.ts";
import { download } from "./adapter/download.ts";
import { find } from "./adapter/find.ts";
import { history } from "./adapter/history.ts";
import { importVersions } from "./adapter/import.ts";
import { lineage } from "./adapter/lineage.ts";
import { list } from "./adapter/list.ts";
import { metrics } from "./adapter/metrics.ts";
import { policy } from "./adapter/policy.ts";
import { put } from "./adapter/put.ts";
import { quarantine } from "./adapter/quarantine.ts";
import { register } from "./adapter/register.ts";
import { release } from "./adapter/release.ts";
import { render } from "./adapter/render.ts";
import { resolve } from "./adapter/resolve.ts";
import { restore } from "./adapter/restore.ts";
import { show } from "./adapter/show.ts";
import { sign } from "./adapter/sign.ts";
import { verify } from "./adapter/verify.ts";
import { versions } from "./adapter/versions.ts";
import { watch } from "./adapter/watch.ts";

const groups = {
  "What there is:": [list, versions, show, diff, metrics, watch],
  "Where it comes from:": [lineage, find],
  "New versions:": [register, put, importVersions, render],
  "What serves:": [alias, resolve, history, download],
  "May it be served:": [verify, sign, policy, quarantine, release, remove, restore],
};

/** Adapters, their versions and aliases. A file a command. */
export function adapter(): Command {
  const command = new Command("adapter").description("which adapters there are, from what, and which may serve");
  for (const [heading, commands] of Object.entries(groups))
    for (const each of commands) command.addCommand(each().helpGroup(heading));
  return command;
}
