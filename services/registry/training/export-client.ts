import { type Client, createClientFactory, Metadata } from "nice-grpc";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { RunServiceDefinition } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import { tenantHeader } from "../../kit/auth/verify-call.ts";
import type { ExportAccess } from "./export-access.ts";
import { notConfigured, toServiceError } from "./export-errors.ts";

/** The services that the registry asks. */
export interface ExportServices {
  readonly exports: Client<ExportServiceDefinition>;
  readonly runs: Client<RunServiceDefinition>;
}

/** What every call carries: for whom it is, the registry's token, a deadline. */
export interface ExportCall {
  readonly metadata: Metadata;
  readonly signal: AbortSignal;
}

const deadlineMillis = 10_000;

/** Calls the export service with the registry's own rights, for the tenant of whoever called the registry. */
export class ExportClient {
  readonly #access: ExportAccess | undefined;
  readonly #stop: AbortSignal | undefined;
  #services: Promise<ExportServices> | undefined;

  /** @param access undefined where no export service is configured: then every call is refused; @param stop ends calls when it is aborted, with its reason */
  constructor(access: ExportAccess | undefined, stop?: AbortSignal) {
    this.#access = access;
    this.#stop = stop;
  }

  /** The same, but calls end when `stop` is aborted, with its reason. */
  until(stop: AbortSignal): ExportClient {
    return new ExportClient(this.#access, stop);
  }

  get isConfigured(): boolean {
    return this.#access !== undefined;
  }

  /**
   * Makes a call. What is asked for and is not there, or cannot be, is refused as the export service refuses it (RUN_NOT_FOUND, SNAPSHOT_EXPIRED, …); where it cannot be
   * asked, or not with these rights: EXPORT_UNAVAILABLE.
   * @param tenant name of the tenant
   */
  async call<Result>(
    tenant: string,
    make: (services: ExportServices, call: ExportCall) => Promise<Result>,
  ): Promise<Result> {
    if (this.#access === undefined) throw notConfigured();
    const deadline = AbortSignal.timeout(deadlineMillis);
    const signal = this.#stop === undefined ? deadline : AbortSignal.any([deadline, this.#stop]);
    try {
      this.#services ??= this.#open(this.#access);
      const services = await this.#services;
      const authorization = `Bearer ${await this.#access.token()}`;
      return await make(services, { metadata: Metadata({ authorization, [tenantHeader]: tenant }), signal });
    } catch (error) {
      this.#stop?.throwIfAborted();
      throw toServiceError(error);
    }
  }

  async #open({ channel }: ExportAccess): Promise<ExportServices> {
    const factory = createClientFactory().use(errorDetailsClientMiddleware);
    const opened = await channel;
    return {
      exports: factory.create(ExportServiceDefinition, opened),
      runs: factory.create(RunServiceDefinition, opened),
    };
  }
}
