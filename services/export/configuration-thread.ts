import { answerCalls } from "../kit/thread-answers.ts";
import { readExportConfiguration } from "./configuration.ts";

answerCalls((file: string | undefined) => readExportConfiguration({ ...(file && { file }), environment: process.env }));
