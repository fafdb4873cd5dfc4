import { extname } from "node:path/posix";
import { pickleForbidden } from "./artifact-errors.ts";

/** Bytes of the beginning of a file that tell whether it is a pickle. */
export const HEAD_BYTES = 256;

const pickleEndings: ReadonlySet<string> = new Set([
  ...[".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".dill", ".joblib"],
  // NumPy's files of objects are pickles.
  ...[".npy", ".npz"],
]);

/** Files in which nobody sees what is in them. */
const archiveEndings: ReadonlySet<string> = new Set([
  ...[".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar"],
]);

/** Throws ADAPTER_FILE_FORBIDDEN for a file that by its name is a pickle, or may hold one packed. */
export function checkPickleName(path: string): void {
  const ending = extname(path).toLowerCase();
  if (pickleEndings.has(ending)) throw pickleForbidden(path, `is by its name (${ending}) a Python pickle`);
  if (archiveEndings.has(ending)) {
    throw pickleForbidden(path, `is by its name (${ending}) packed, and may hold a Python pickle`);
  }
}

/** Throws ADAPTER_FILE_FORBIDDEN for a file that begins as a pickle, or as a ZIP file, in which torch.save puts one. @param head the first HEAD_BYTES, or all of a shorter file */
export function checkPickleHead(path: string, head: Buffer): void {
  if (path.endsWith(".safetensors") && beginsAsSafetensors(head)) return;
  if (zipBeginnings.some((beginning) => head.indexOf(beginning) === 0)) {
    throw pickleForbidden(path, "is a ZIP file, as torch.save writes, which may hold a Python pickle");
  }
  if (beginsAsPickle(head)) throw pickleForbidden(path, "begins as a Python pickle");
}

const zipBeginnings = ["PK\x03\x04", "PK\x05\x06", "PK\x07\x08"];

/** The length of a safetensors header, little-endian, may look like the first opcodes of a pickle. */
function beginsAsSafetensors(head: Buffer): boolean {
  return head.length > 8 && head.readUInt32LE(4) === 0 && head[8] === 0x7b;
}

/** From protocol 2 on a pickle begins with its protocol's number; before, with what its first object begins with. */
function beginsAsPickle(head: Buffer): boolean {
  const [first = 0, second = 0, third = 0] = head;
  if (first === 0x80 && second >= 2 && second <= 5) return true;
  if ("](})".includes(String.fromCharCode(first)) && second === rememberOpcode && third < 9) return true;
  return textPickle.test(head.toString("latin1"));
}

/** Protocol 1 remembers each container under a number, right after it began. */
const rememberOpcode = 0x71;

/** Protocol 0 before the first name, each on a line or by itself: numbers and texts, remembered, dropped or marked as arguments. */
const textArguments = /(?:[(0N]|p\d+\n|[IFL]-?[\d.]+L?\n|S(?:'[^\n]*'|"[^\n]*")\n|V[^\n]*\n)*/;

/**
 * Protocol 0: the names of a module and of what is called in it, after its arguments, or with its first one or nothing behind them; or a
 * container that is remembered. Not all: whoever means to can write a pickle that no rule tells from text; nothing here loads one.
 */
const textPickle = new RegExp(
  `^(?:${textArguments.source}[ci][\\w.]+\\n[\\w.]+\\n(?:\\(S['"]|\\(V[^\\n]*\\nt|\\(g\\d+\\n|p\\d+\\n|tR|\\.\\s*$)|\\([dlt]p\\d+\\n)`,
);
