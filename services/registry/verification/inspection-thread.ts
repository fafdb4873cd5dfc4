import { parentPort } from "node:worker_threads";
import { ServiceError } from "../../kit/errors.ts";
import { type Inspected, Inspection } from "./inspection.ts";
import type { InspectionMessage, InspectionReply } from "./inspection-messages.ts";

const inspections = new Map<number, Inspection>();

function answer(message: InspectionMessage): InspectionReply {
  try {
    return { inspected: act(message) };
  } catch (error) {
    if (!(error instanceof ServiceError)) return { failure: error };
    return { fault: { reason: error.reason, message: error.message, metadata: error.metadata } };
  }
}

function act(message: InspectionMessage): Inspected | undefined {
  switch (message.kind) {
    case "begin":
      inspections.set(message.inspection, new Inspection(message.request));
      return undefined;
    case "file":
      inspections.get(message.inspection)?.beginFile(message.path, message.byteCount);
      return undefined;
    case "data":
      inspections.get(message.inspection)?.data(message.bytes);
      return undefined;
    case "endFile":
      inspections.get(message.inspection)?.endFile();
      return undefined;
    case "finish":
      return inspections.get(message.inspection)?.finish();
    case "forget":
      inspections.delete(message.inspection);
      return undefined;
  }
}

parentPort?.on("message", (message: InspectionMessage) => parentPort?.postMessage(answer(message)));
