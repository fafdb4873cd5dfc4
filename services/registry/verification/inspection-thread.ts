import { parentPort } from "node:worker_threads";
import { ServiceError } from "../../kit/errors.ts";
import { type Inspected, Inspection } from "./inspection.ts";
import type { InspectionMessage, InspectionReply, Piece } from "./inspection-messages.ts";

const inspections = new Map<number, Inspection>();

function answer(message: InspectionMessage): InspectionReply {
  try {
    return { inspected: act(message) };
  } catch (error) {
    inspections.delete(message.inspection);
    if (!(error instanceof ServiceError)) return { failure: error };
    return { fault: { reason: error.reason, message: error.message, metadata: error.metadata } };
  }
}

function act(message: InspectionMessage): Inspected | undefined {
  const inspection = inspections.get(message.inspection);
  switch (message.kind) {
    case "begin":
      inspections.set(message.inspection, new Inspection(message.request));
      return undefined;
    case "piece":
      // One that had a fault may have sent another piece before it heard of it.
      if (inspection !== undefined) take(inspection, message.piece);
      return undefined;
    case "finish":
      inspections.delete(message.inspection);
      return inspection?.finish();
    case "forget":
      inspections.delete(message.inspection);
      return undefined;
  }
}

function take(inspection: Inspection, { path, byteCount, bytes, isFirst, isLast }: Piece): void {
  if (isFirst) inspection.beginFile(path, byteCount);
  inspection.data(bytes);
  if (isLast) inspection.endFile();
}

parentPort?.on("message", (message: InspectionMessage) => parentPort?.postMessage(answer(message)));
