/** A system call that succeeded. `file` tells open files apart, `path` is where its file lies. */
export type Call =
  | { readonly name: "open"; readonly path: string; readonly file: string; readonly truncates: boolean }
  | {
      readonly name: "write";
      readonly path: string;
      readonly file: string;
      readonly data: Buffer;
      readonly offset?: number;
    }
  | { readonly name: "truncate"; readonly path: string; readonly length: number }
  | { readonly name: "sync"; readonly path: string }
  | { readonly name: "rename"; readonly path: string; readonly to: string }
  | { readonly name: "unlink"; readonly path: string };

/** Reads what `strace -f -y -xx` wrote, in the order in which the calls ended. */
export function* parseTrace(trace: string): Generator<Call> {
  const unfinished = new Map<string, string>();
  for (const line of trace.split("\n")) {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.endsWith("<unfinished ...>")) {
      unfinished.set(thread, text.slice(0, -"<unfinished ...>".length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text)?.[0];
    const call = parseCall(resumed ? (unfinished.get(thread) ?? "") + text.slice(resumed.length) : text);
    if (call) yield call;
  }
}

function parseCall(text: string): Call | undefined {
  const [, name, argumentText = "", result = "-1"] = /^(\w+)\((.*)\) += (\d+.*)$/.exec(text) ?? [];
  const [, path = ""] = /^\d+<([^>]*)>/.exec(argumentText) ?? [];
  const [, file = ""] = /^(\d+)</.exec(argumentText) ?? [];
  const texts = [...argumentText.matchAll(/"([^"]*)"/g)].map(([, hex = ""]) => decode(hex));
  const last = Number(argumentText.split(", ").at(-1));
  const at = decode(path).toString();
  switch (name) {
    case "openat":
      return /O_CREAT|O_RDWR|O_WRONLY/.test(argumentText) ? opened(result, argumentText) : undefined;
    case "write":
    case "pwrite64": {
      const written = { name: "write", path: at, file, data: texts[0] ?? Buffer.alloc(0) } as const;
      return name === "write" ? written : { ...written, offset: last };
    }
    case "ftruncate":
      return { name: "truncate", path: at, length: last };
    case "fsync":
    case "fdatasync":
      return { name: "sync", path: at };
    case "rename":
      return { name: "rename", path: String(texts[0]), to: String(texts[1]) };
    case "unlink":
      return { name: "unlink", path: String(texts[0]) };
    default:
      return undefined;
  }
}

function opened(result: string, argumentText: string): Call {
  const [, file = "", path = ""] = /^(\d+)<([^>]*)>/.exec(result) ?? [];
  return { name: "open", path: decode(path).toString(), file, truncates: argumentText.includes("O_TRUNC") };
}

/** `\x61b` and so on. */
function decode(text: string): Buffer {
  return Buffer.from(
    text.replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}
