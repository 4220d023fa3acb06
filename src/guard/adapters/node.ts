import type { Answer } from '../decision.ts';
import type { GuardRequest } from '../request.ts';
import { attach } from './attach.ts';
import {
  type AdapterOptions,
  type Checker,
  decide,
  isThenable,
  readRequirement,
  readSteps,
  type Wanted,
} from './decide.ts';
import { refuseUpgrade, type UpgradeHandler, type UpgradeSocket, waiting } from './upgrade.ts';

/** What an adapter reads of an `IncomingMessage` of node:http. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  /** For `client` alone: of two fields it keeps one. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What an adapter uses of a `ServerResponse` of node:http. */
export interface NodeResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  setHeader(name: string, value: string | number): unknown;
  end(body: string): unknown;
  destroy(): unknown;
}

export type NodeNext = (error?: unknown) => void;
export type NodeMiddleware<Request, Response> = (request: Request, response: Response, next: NodeNext) => unknown;

export interface NodeGuard<Base extends NodeRequest> {
  /**
   * A middleware. With break-glass credentials the token decides alone: allowed, it goes on with `request.breakglass` set, and
   * `otherwise` does not run; denied, it answers, and nothing else runs. Without them `otherwise` runs as it would by itself, one after
   * the other. Throws `BAD_INPUT` for a route that would be open by mistake.
   */
  require<Request extends Base, Response extends NodeResponse>(
    wanted: Wanted,
    ...otherwise: NodeMiddleware<Request, Response>[]
  ): (request: Request, response: Response, next: NodeNext) => void;
  /** The same for `createServer`: `handler` runs where `next` would. */
  listener<Request extends Base, Response extends NodeResponse>(
    wanted: Wanted,
    handler: (request: Request, response: Response) => unknown,
    ...otherwise: NodeMiddleware<Request, Response>[]
  ): (request: Request, response: Response) => void;
  /**
   * The same for `server.on('upgrade', …)`. What is denied is answered with HTTP on the socket, which is then closed; so is what has no
   * break-glass credentials, unless there is an `otherwise`.
   */
  upgrade<Request extends Base, Socket extends UpgradeSocket, Head>(
    wanted: Wanted,
    handler: UpgradeHandler<Request, Socket, Head>,
    otherwise?: UpgradeHandler<Request, Socket, Head>,
  ): UpgradeHandler<Request, Socket, Head>;
}

/** A guard for node:http, node:https and whatever calls `(request, response, next)`. */
export function nodeGuard(checker: Checker, options: AdapterOptions<NodeRequest> = {}): NodeGuard<NodeRequest> {
  return guardOf(checker, ({ url }) => url ?? '', options);
}

/** A guard for requests whose raw path and query `targetOf` knows. */
export function guardOf<Base extends NodeRequest>(
  checker: Checker,
  targetOf: (request: Base) => string,
  { client, onFailure }: AdapterOptions<Base>,
): NodeGuard<Base> {
  const read = (request: Base) => () => readNodeRequest(request, targetOf(request), client?.(request));
  const adapter: NodeGuard<Base> = {
    require: (wanted, ...otherwise) => {
      const [requirement, steps] = [readRequirement(wanted), readSteps(otherwise)];
      return async (request, response, next) => {
        const verdict = await decide(checker, read(request), requirement, onFailure);
        // Express 4 does not look at what a middleware returns: a rejection would leave the client waiting.
        try {
          if (verdict.outcome === 'denied') return sendAnswer(response, verdict.answer);
          // Nobody would hear of what is done now.
          if (verdict.outcome === 'allowed' && (response.destroyed || response.writableEnded)) return;
          attach(request, verdict.outcome === 'allowed' ? verdict.access : undefined);
        } catch (error) {
          return next(error || unsaid());
        }
        runSteps(verdict.outcome === 'allowed' ? [] : steps, request, response, next);
      };
    },
    listener: (wanted, handler, ...otherwise) => {
      readSteps([handler]);
      const middleware = adapter.require(wanted, ...otherwise);
      return (request, response) =>
        middleware(request, response, (error) => (error === undefined ? handler(request, response) : fail(response)));
    },
    upgrade: (wanted, handler, otherwise = (_, socket) => refuseUpgrade(socket, bareAnswer)) => {
      const requirement = readRequirement(wanted);
      readSteps([handler, otherwise]);
      return async (request, socket, head) => {
        const verdict = await waiting(socket, decide(checker, read(request), requirement, onFailure));
        if (socket.destroyed) return;
        if (verdict.outcome === 'denied') return refuseUpgrade(socket, verdict.answer);
        attach(request, verdict.outcome === 'allowed' ? verdict.access : undefined);
        return verdict.outcome === 'allowed' ? handler(request, socket, head) : otherwise(request, socket, head);
      };
    },
  };
  return adapter;
}

/** What a guard judges. The fields come from `rawHeaders`: `headers` keeps one Authorization of two, and says nothing. */
export function readNodeRequest(request: NodeRequest, target: string, client: string | null | undefined): GuardRequest {
  const { method = '', rawHeaders, socket } = request;
  return {
    method,
    target,
    header: (name) => rawHeaders.filter((_, n) => n % 2 === 1 && rawHeaders[n - 1]?.toLowerCase() === name),
    client: client === undefined ? (socket.remoteAddress ?? null) : client,
  };
}

/**
 * Runs middleware as a router would: the next one when one says so, an error to `next`, thrown or told. A router takes an error that is
 * false ('', 0) for none, and would go on to the handler: thrown, it is an error all the same; told, only the next one here follows.
 */
function runSteps<Request, Response>(
  [step, ...rest]: readonly NodeMiddleware<Request, Response>[],
  request: Request,
  response: Response,
  next: NodeNext,
): void {
  if (step === undefined) {
    next();
    return;
  }
  const failed = (error: unknown) => next(error || unsaid());
  const onwards: NodeNext = (error) => (error ? next(error) : runSteps(rest, request, response, next));
  try {
    const result = step(request, response, onwards);
    if (isThenable(result)) result.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}

function unsaid(): Error {
  return new Error('a middleware failed without saying why');
}

function sendAnswer(response: NodeResponse, { status, headers, body }: Answer): void {
  if (response.destroyed || response.writableEnded) return;
  // Something else has begun to answer: what is out cannot be taken back, and nothing more follows.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

function fail(response: NodeResponse): void {
  try {
    sendAnswer(response, { status: 503, headers: { 'content-type': 'text/plain' }, body: 'the request failed\n' });
  } catch {
    response.destroy();
  }
}

const bareAnswer: Answer = {
  status: 401,
  headers: { 'cache-control': 'no-store', 'www-authenticate': 'DPoP algs="ES256 Ed25519 EdDSA", Bearer' },
  body: '',
};
