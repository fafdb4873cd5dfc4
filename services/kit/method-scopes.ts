import type { Scope } from "./call.ts";

/**
 * What each method needs. A registered method without a row keeps the server from starting. Only health is not here: a load
 * balancer has no token, and it tells nothing about anybody's data.
 */
export const methodScopes: Readonly<Record<string, Scope>> = {
  "/loraloop.auth.v1.TokenService/CreateToken": "admin",
  "/loraloop.auth.v1.TokenService/ListTokens": "admin",
  "/loraloop.auth.v1.TokenService/RevokeToken": "admin",

  "/loraloop.corpus.v1.CorpusService/UpsertRecords": "corpus.write",
  "/loraloop.corpus.v1.CorpusService/GetRecord": "corpus.read",
  "/loraloop.corpus.v1.CorpusService/ListRecords": "corpus.read",
  "/loraloop.corpus.v1.CorpusService/DeleteRecords": "corpus.write",
  "/loraloop.corpus.v1.CorpusService/ListCollections": "corpus.read",
  "/loraloop.corpus.v1.CorpusService/IngestRecords": "corpus.write",

  "/loraloop.export.v1.ExportService/PutDataset": "export.write",
  "/loraloop.export.v1.ExportService/GetDataset": "export.read",
  "/loraloop.export.v1.ExportService/ListDatasets": "export.read",
  "/loraloop.export.v1.ExportService/DeleteDataset": "export.write",
  "/loraloop.export.v1.ExportService/PreviewSamples": "export.read",
  "/loraloop.export.v1.ExportService/ValidateSample": "export.read",
  "/loraloop.export.v1.ExportService/BuildSnapshot": "export.write",
  "/loraloop.export.v1.ExportService/GetSnapshot": "export.read",
  "/loraloop.export.v1.ExportService/ListSnapshots": "export.read",
  "/loraloop.export.v1.ExportService/DeleteSnapshot": "export.write",
  "/loraloop.export.v1.ExportService/WatchSnapshot": "export.read",
  "/loraloop.export.v1.ExportService/StreamSamples": "export.read",
  "/loraloop.export.v1.ExportService/GetPlan": "export.read",
  "/loraloop.export.v1.ExportService/ExplainPlan": "export.read",
  "/loraloop.export.v1.ExportService/ReadBlocks": "export.read",

  "/loraloop.export.v1.RunService/OpenRun": "run.write",
  "/loraloop.export.v1.RunService/RenewRun": "run.write",
  "/loraloop.export.v1.RunService/ReportProgress": "run.write",
  "/loraloop.export.v1.RunService/ReportLosses": "run.write",
  "/loraloop.export.v1.RunService/CloseEpoch": "run.write",
  "/loraloop.export.v1.RunService/CloseRun": "run.write",
  "/loraloop.export.v1.RunService/GetRun": "run.read",
  "/loraloop.export.v1.RunService/ListRuns": "run.read",
  "/loraloop.export.v1.RunService/ListLosses": "run.read",
  "/loraloop.export.v1.RunService/WatchRun": "run.read",
};
