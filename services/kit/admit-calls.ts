import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from "nice-grpc";
import { tenantHeader } from "./auth/verify-call.ts";
import type { CallExtension, Caller, Scope } from "./call.ts";
import { checkScope } from "./check-scope.ts";
import type { UndecodedRequest } from "./decode-request.ts";
import { ServiceError } from "./errors.ts";
import { methodScopes } from "./method-scopes.ts";
import { untilAborted } from "./until-aborted.ts";

/** Who calls with a bearer token, for the tenant that the call names where it does. Rejects with a ServiceError. */
export type VerifyCall = (token: string, tenant: string | undefined) => Promise<Caller>;

/** How often an open stream's token is checked again; revocation counts within five seconds. */
const recheckMillis = 2_000;

/**
 * Admits a call whose token has the method's scope, while the server is not stopping. Default deny.
 * A unary request is here when its token is looked at, but not decoded: strangers who reach the port can make the server receive
 * `message_bytes` a call, and no more.
 */
export function admitCalls(
  verify: VerifyCall,
  drain: AbortSignal,
): ServerMiddleware<CallExtension, { requestId: string }> {
  return async function* admit<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, CallExtension & { requestId: string }>,
    context: CallContext & { requestId: string },
  ) {
    if (drain.aborted) throw new ServiceError("DRAINING", "The server stops; connect again.");
    const token = bearerToken(context.metadata.get("authorization"));
    const tenant = context.metadata.get(tenantHeader);
    const caller = await verify(token, tenant);
    checkMethod(caller, methodScopes[call.method.path]);
    if (!(call.requestStream || call.responseStream)) {
      return yield* call.next(decoded(call.request), { ...context, caller, drain });
    }
    using watch = watchToken(() => verify(token, tenant));
    const signal = AbortSignal.any([context.signal, watch.ended]);
    const request = call.requestStream ? untilRefused(call.request, watch.ended) : decoded(call.request);
    try {
      const responses: Responses<Response> = call.next(request, { ...context, signal, caller, drain });
      return yield* checkEach(responses, watch.ended);
    } catch (error) {
      watch.ended.throwIfAborted();
      throw error;
    }
  };
}

function bearerToken(header: string | undefined): string {
  const token = /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) {
    throw new ServiceError("TOKEN_MISSING", "The call needs the metadata `authorization: Bearer <token>`.");
  }
  return token;
}

/** The tenant of number 0 holds the tokens of all others and no data of its own. */
function checkMethod(caller: Caller, needed: Scope | undefined): void {
  if (needed === undefined) throw new ServiceError("SCOPE_MISSING", "No scope allows this method.", { scope: "" });
  if (caller.tenant === 0 && needed !== "admin") {
    throw new ServiceError("SCOPE_MISSING", "Tokens of the tenant system only manage tokens.", { scope: needed });
  }
  checkScope(caller, needed);
}

interface TokenWatch extends Disposable {
  /** Aborted, with the ServiceError as its reason, once the token is refused. */
  readonly ended: AbortSignal;
}

function watchToken(verify: () => Promise<Caller>): TokenWatch {
  const controller = new AbortController();
  const timer = setInterval(() => {
    verify().catch((error: unknown) => {
      // A store that cannot be reached says nothing about the token.
      if (error instanceof ServiceError) controller.abort(error);
    });
  }, recheckMillis).unref();
  return { ended: controller.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

// biome-ignore lint/suspicious/noConfusingVoidType: as nice-grpc has it
type Responses<T> = AsyncGenerator<T, T | void, undefined>;

/** The same messages, until `ended` is aborted: then its reason is thrown in place of the next one. */
async function* checkEach<T>(source: Responses<T>, ended: AbortSignal): Responses<T> {
  try {
    for (;;) {
      const { done, value } = await source.next();
      ended.throwIfAborted();
      if (done) return value;
      yield value;
    }
  } finally {
    await source.return();
  }
}

/** The same messages, decoded, until `ended` is aborted: then its reason is thrown, also while the next one is awaited. */
async function* untilRefused<T>(source: AsyncIterable<T>, ended: AbortSignal): AsyncGenerator<T> {
  for await (const message of untilAborted(source, ended)) yield decoded(message);
  ended.throwIfAborted();
}

/** nice-grpc takes what its middleware is given for the request itself. */
function decoded<Request>(request: Request): Request {
  return (request as UndecodedRequest<Request>)();
}
