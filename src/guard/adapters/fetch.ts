import type { Access, Answer, Decision } from '../decision.ts';
import type { GuardRequest } from '../request.ts';
import { remember } from './attach.ts';
import { type AdapterOptions, type Checker, decide, readRequirement, readSteps, type Wanted } from './decide.ts';

/** What an adapter reads of a `Request` (WHATWG Fetch). */
export interface FetchRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** What an adapter uses of a context of Hono 4. */
export interface HonoContext {
  readonly req: { readonly raw: FetchRequest };
  set(name: 'breakglass', access: Access | undefined): void;
}

type Answered = Response | Promise<Response>;
type Next = () => Promise<void>;
/** A middleware of Hono: it resolves with a `Response`, or it has called `next`. */
export type HonoMiddleware<Context> = (context: Context, next: Next) => Promise<unknown>;

export interface FetchGuard {
  /** What the guard says of a request, for whoever answers by other means. Rejects when the guard fails: deny then. */
  check(request: FetchRequest, wanted: Wanted): Promise<Decision>;
  /**
   * A middleware of Hono. With break-glass credentials the token decides alone: allowed, it goes on with `c.get('breakglass')` set, and
   * `otherwise` does not run; denied, it answers, and nothing else runs. Without them `otherwise` runs as it would by itself. Throws
   * `BAD_INPUT` for a route that would be open by mistake.
   */
  require<Context extends HonoContext>(
    wanted: Wanted,
    ...otherwise: HonoMiddleware<Context>[]
  ): (context: Context, next: Next) => Promise<Response | undefined>;
  /** The same for servers that take a function of a request (Bun, Deno, Workers); `rest` is what they give besides. */
  handler<Request extends FetchRequest, Rest extends readonly unknown[]>(
    wanted: Wanted,
    opened: (request: Request, access: Access, ...rest: Rest) => Answered,
    otherwise: (request: Request, ...rest: Rest) => Answered,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
}

/** A guard for Hono and for servers of the fetch style. Without `client` the use log does not know who asked. */
export function fetchGuard(checker: Checker, { client, onFailure }: AdapterOptions<FetchRequest> = {}): FetchGuard {
  const read = (request: FetchRequest) => readFetchRequest(request, client?.(request) ?? null);
  return {
    check: async (request, wanted) => checker.check(read(request), readRequirement(wanted)),
    require: (wanted, ...otherwise) => {
      const [requirement, steps] = [readRequirement(wanted), readSteps(otherwise)];
      return async (context, next) => {
        const { raw } = context.req;
        const verdict = await decide(checker, () => read(raw), requirement, onFailure);
        if (verdict.outcome === 'denied') return responseTo(raw, verdict.answer);
        const access = verdict.outcome === 'allowed' ? verdict.access : undefined;
        remember(raw, access);
        remember(context, access);
        context.set('breakglass', access);
        return runSteps(verdict.outcome === 'allowed' ? [] : steps, context, next);
      };
    },
    handler: (wanted, opened, otherwise) => {
      const requirement = readRequirement(wanted);
      readSteps([opened, otherwise]);
      return async (request, ...rest) => {
        const verdict = await decide(checker, () => read(request), requirement, onFailure);
        if (verdict.outcome === 'denied') return responseTo(request, verdict.answer);
        if (verdict.outcome === 'none') return otherwise(request, ...rest);
        remember(request, verdict.access);
        return opened(request, verdict.access, ...rest);
      };
    },
  };
}

/** What a guard judges. Fields of one name come joined by commas, and a guard refuses two tokens in one value as it refuses two fields. */
function readFetchRequest({ method, url, headers }: FetchRequest, client: string | null): GuardRequest {
  return {
    method,
    target: url.slice(url.indexOf('/', url.indexOf('://') + 3)),
    header: (name) => {
      const value = headers.get(name);
      return value === null ? [] : [value];
    },
    client,
  };
}

function responseTo({ method }: FetchRequest, { status, headers, body }: Answer): Response {
  return new Response(method === 'HEAD' ? null : body, { status, headers });
}

async function runSteps<Context>(
  [step, ...rest]: readonly HonoMiddleware<Context>[],
  context: Context,
  next: Next,
): Promise<Response | undefined> {
  if (step === undefined) {
    await next();
    return undefined;
  }
  let answered: Response | undefined;
  const response = await step(context, async () => {
    answered = await runSteps(rest, context, next);
  });
  return (response as Response | undefined) ?? answered;
}
