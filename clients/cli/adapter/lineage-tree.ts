import type { LineageSnapshot } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { AdapterVersion, GetLineageResponse } from "../../typescript/src/index.ts";
import { count, time } from "../output.ts";
import { baseModelText, snapshotText, standingText } from "./describe-version.ts";
import type { TreeNode } from "./tree.ts";

/** What a version came from and what came from it, down to records and their subjects. */
export function lineageTree({ version, run, snapshots, parents, children }: GetLineageResponse): TreeNode {
  const runs = run === undefined ? [] : [leaf(`run ${run.run}  ${run.state.toLowerCase()}  ${time(run.createTime)}`)];
  return {
    text: version === undefined ? "" : versionText(version),
    children: [
      ...(version === undefined ? [] : [leaf(`base model ${baseModelText(version)}`)]),
      ...runs,
      ...snapshots.map(snapshotNode),
      ...parentNodes(parents),
      ...children.map((child) => leaf(`child ${versionText(child)}`)),
    ],
  };
}

function snapshotNode({ snapshot, available, deletedRecordCount, records }: LineageSnapshot): TreeNode {
  const marks = [
    available ? "" : "  (no longer there)",
    deletedRecordCount === 0n ? "" : `  (${count(deletedRecordCount)} of its records deleted since)`,
  ];
  const nodes = records.map(({ record, subject, deleted }) =>
    leaf([`record ${record}`, subject && `of ${subject}`, deleted && "deleted"].filter(Boolean).join("  ")),
  );
  const isAll = records.length === 0 || BigInt(records.length) >= (snapshot?.sampleCount ?? 0n);
  return {
    text: `snapshot ${snapshot === undefined ? "" : snapshotText(snapshot)}${marks.join("")}`,
    children: isAll ? nodes : [...nodes, leaf(`… of ${count(snapshot?.sampleCount ?? 0n)}`)],
  };
}

/** Each parent hangs on the version that came from it. */
function parentNodes([parent, ...others]: readonly AdapterVersion[]): TreeNode[] {
  return parent === undefined ? [] : [{ text: `parent ${versionText(parent)}`, children: parentNodes(others) }];
}

function versionText(version: AdapterVersion): string {
  return `${version.name}  ${standingText(version)}`;
}

function leaf(text: string): TreeNode {
  return { text, children: [] };
}
