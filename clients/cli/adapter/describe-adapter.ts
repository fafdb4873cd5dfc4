import type { Adapter } from "../../typescript/src/index.ts";
import { time } from "../output.ts";

/** All of an adapter, a line for each thing. */
export function adapterLines(adapter: Adapter): string[] {
  const { name, description, latestVersion, aliases, metadata, createTime, updateTime, deleteTime, creator } = adapter;
  return [
    `adapter   ${name}`,
    ...(description === ""
      ? []
      : description.split("\n").map((line, place) => `${place === 0 ? "for    " : "       "}   ${line}`)),
    `latest    ${latestVersion || "-"}`,
    ...aliases.map(({ alias, version, updateTime: moved }) => `alias     ${alias} → ${version}, since ${time(moved)}`),
    ...Object.entries(metadata).map(([key, value]) => `metadata  ${key}=${value}`),
    `made      ${time(createTime)} by ${creator}, changed ${time(updateTime)}`,
    ...(deleteTime === undefined ? [] : [`deleted   ${time(deleteTime)}`]),
  ];
}
