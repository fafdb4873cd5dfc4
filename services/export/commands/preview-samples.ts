import { hash } from "node:crypto";
import type { PreviewSample, PreviewSamplesResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Reject, RejectReason } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { limits } from "../../kit/limits.ts";
import { Slices } from "../../kit/slices.ts";
import { prefixRange } from "../../store/range.ts";
import type { Entry, Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { idOf } from "../corpus/stored-record.ts";
import type { ResolvedSource } from "../dataset/source.ts";
import { recordKey } from "../keys.ts";
import { loadRenderer } from "../rendering/load-renderer.ts";
import type { Outcome, RenderedSample, Renderer } from "../rendering/renderer.ts";
import { StatisticsBuilder } from "../rendering/statistics.ts";
import { withWeight } from "../rendering/weight-text.ts";

/** Records read from the store at once. */
const recordsAtOnce = 50;

/** Renders the first records of a collection until there are `count` samples; also ends at `preview_records` or `preview_bytes`. */
export async function previewSamples(
  context: ExportContext,
  tenant: TenantId,
  source: ResolvedSource,
  count: number,
): Promise<PreviewSamplesResponse> {
  const begin = performance.now();
  const renderer = await loadRenderer(source.spec, source.asOf, context.exporters);
  const preview = new Preview(renderer, count, source.spec.quality?.skipDuplicates ?? false);
  const range = prefixRange(recordKey(source.collection, ""));
  let start: Key | undefined = range.start;
  while (start !== undefined && !preview.enough) {
    const options = { at: source.readRevision, limit: recordsAtOnce };
    const page = await context.store.scan(tenant, { ...range, start }, options);
    start = (await preview.readAll(page.entries)) ? page.next : start;
  }
  return preview.response(start === undefined && !preview.cutOff, performance.now() - begin);
}

class Preview {
  readonly #renderer: Renderer;
  readonly #count: number;
  readonly #contents: Set<string> | undefined;
  readonly #statistics: StatisticsBuilder;
  readonly #slices = new Slices();
  readonly #samples: PreviewSample[] = [];
  readonly #rejects: Reject[] = [];
  #read = 0;
  #bytes = 0;
  /** Whether records were left unread. */
  cutOff = false;

  constructor(renderer: Renderer, count: number, skipDuplicates: boolean) {
    this.#renderer = renderer;
    this.#count = count;
    this.#contents = skipDuplicates ? new Set() : undefined;
    this.#statistics = new StatisticsBuilder(renderer.conditions);
  }

  get enough(): boolean {
    return (
      this.#samples.length >= this.#count || this.#read >= limits.preview_records || this.#bytes >= limits.preview_bytes
    );
  }

  /** Reads records until there is enough; false where some are left. */
  async readAll(entries: readonly Entry[]): Promise<boolean> {
    for (const entry of entries) {
      if (this.enough) {
        this.cutOff = true;
        return false;
      }
      this.#readOne(idOf(entry), StoredRecord.decode(entry.value));
      await this.#slices.done(entry.value.length);
    }
    return true;
  }

  #readOne(id: string, record: StoredRecord): void {
    this.#read += 1;
    this.#statistics.scanned();
    const outcome = this.#withoutDuplicates(this.#renderer.render(id, record));
    if (outcome.kind === "dropped") {
      this.#statistics.dropped(outcome.condition);
    } else if (outcome.kind === "rejected") {
      this.#reject(id, outcome.reason, outcome.problem);
    } else {
      this.#sample(id, record, outcome);
    }
  }

  #withoutDuplicates(outcome: Outcome): Outcome {
    if (outcome.kind !== "sample" || this.#contents === undefined) {
      return outcome;
    }
    const content = hash("sha256", outcome.content, "base64");
    if (this.#contents.has(content)) {
      const reason = RejectReason.REJECT_REASON_DUPLICATE;
      return { kind: "rejected", reason, problem: "Duplicate of an earlier sample" };
    }
    this.#contents.add(content);
    return outcome;
  }

  #reject(recordId: string, reason: RejectReason, problem: string): void {
    this.#statistics.rejected(recordId, reason, problem);
    if (this.#rejects.length < this.#count) {
      this.#rejects.push({ recordId, reason, problem });
    }
  }

  #sample(recordId: string, record: StoredRecord, { line, weightMicros, schemaProblem }: RenderedSample): void {
    const shown = this.#renderer.weighted ? withWeight(line, weightMicros) : line;
    const bytes = Buffer.byteLength(shown);
    this.#statistics.sample(Buffer.byteLength(line) + 1, bytes + 1, schemaProblem !== "");
    this.#bytes += Math.min(bytes, limits.preview_line_bytes);
    const weightExplanation = this.#renderer.explainWeight(record);
    this.#samples.push({ recordId, line: beginningOf(shown, bytes), weightMicros, weightExplanation, schemaProblem });
  }

  response(complete: boolean, milliseconds: number): PreviewSamplesResponse {
    const statistics = { ...this.#statistics.toMessage(), durationMs: BigInt(Math.round(milliseconds)) };
    return { samples: this.#samples, rejects: this.#rejects, statistics, complete };
  }
}

function beginningOf(line: string, bytes: number): string {
  if (bytes <= limits.preview_line_bytes) return line;
  const beginning = Buffer.from(line).subarray(0, limits.preview_line_bytes);
  // As the beginning of more it leaves out a character that is cut.
  return new TextDecoder().decode(beginning, { stream: true });
}
