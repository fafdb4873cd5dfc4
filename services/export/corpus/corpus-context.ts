import type { Clock, Store } from "../../store/store.ts";
import type { FieldsWorker } from "./fields-worker.ts";

/** What the corpus needs of the export service. */
export interface CorpusContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly fields: FieldsWorker;
}
