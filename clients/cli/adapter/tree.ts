/** A thing, and what hangs on it. */
export interface TreeNode {
  readonly text: string;
  readonly children: readonly TreeNode[];
}

/** A tree drawn with lines, the root first. */
export function treeLines({ text, children }: TreeNode): string[] {
  const branches = children.flatMap((child, place) => {
    const isLast = place === children.length - 1;
    const [first = "", ...rest] = treeLines(child);
    return [`${isLast ? "└─ " : "├─ "}${first}`, ...rest.map((line) => `${isLast ? "   " : "│  "}${line}`)];
  });
  return [text, ...branches];
}
