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
import { type NodeRequest, readNodeRequest } from './node.ts';

/** What an adapter reads of a request of Fastify 4 or 5. */
export interface FastifyRequest {
  readonly raw: NodeRequest;
  readonly originalUrl: string;
  /** The client's address by the option `trustProxy`. */
  readonly ip: string;
}

/** What an adapter uses of a reply of Fastify 4 or 5. */
export interface FastifyReply {
  readonly sent: boolean;
  readonly raw: { readonly destroyed: boolean; readonly headersSent: boolean; destroy(): unknown };
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: string): unknown;
  hijack(): unknown;
}

/** A hook of either habit: it returns a promise, or it takes `done`. */
export type FastifyHook<This, Request, Reply> = (
  this: This,
  request: Request,
  reply: Reply,
  done: (error?: Error) => void,
) => unknown;

export interface FastifyGuard {
  /**
   * A hook for `onRequest`, of a route or of a whole context. With break-glass credentials the token decides alone: allowed, the request
   * goes on with `request.breakglass` set, and `otherwise` does not run; denied, it is answered, and nothing else runs. Without them
   * `otherwise` runs as it would by itself. Throws `BAD_INPUT` for a route that would be open by mistake.
   */
  require(wanted: Wanted): (this: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  require<This, Request extends FastifyRequest, Reply extends FastifyReply>(
    wanted: Wanted,
    ...otherwise: FastifyHook<This, Request, Reply>[]
  ): (this: This, request: Request, reply: Reply) => Promise<unknown>;
}

/** A guard for Fastify. */
export function fastifyGuard(
  checker: Checker,
  { client, onFailure }: AdapterOptions<FastifyRequest> = {},
): FastifyGuard {
  return {
    require: <This, Request extends FastifyRequest, Reply extends FastifyReply>(
      wanted: Wanted,
      ...otherwise: FastifyHook<This, Request, Reply>[]
    ) => {
      const [requirement, steps] = [readRequirement(wanted), readSteps(otherwise)];
      return async function (this: This, request: Request, reply: Reply): Promise<unknown> {
        const read = () => readNodeRequest(request.raw, request.originalUrl, client?.(request));
        const verdict = await decide(checker, read, requirement, onFailure);
        if (verdict.outcome === 'none') {
          attach(request, undefined);
          return runHooks(steps, this, request, reply);
        }
        // The client is gone, or something else has begun to answer: nothing more follows.
        if (reply.sent || reply.raw.destroyed || reply.raw.headersSent) {
          reply.hijack();
          reply.raw.destroy();
          return reply;
        }
        if (verdict.outcome === 'allowed') {
          attach(request, verdict.access);
          return undefined;
        }
        const { status, headers, body } = verdict.answer;
        reply.code(status);
        for (const [name, value] of Object.entries(headers)) reply.header(name, value);
        reply.send(body);
        return reply;
      };
    },
  };
}

async function runHooks<This, Request, Reply extends FastifyReply>(
  hooks: readonly FastifyHook<This, Request, Reply>[],
  instance: This,
  request: Request,
  reply: Reply,
): Promise<unknown> {
  for (const hook of hooks) {
    await runHook(hook, instance, request, reply);
    if (reply.sent) return reply;
  }
  return undefined;
}

function runHook<This, Request, Reply>(
  hook: FastifyHook<This, Request, Reply>,
  instance: This,
  request: Request,
  reply: Reply,
): Promise<unknown> {
  // As Fastify itself tells them apart: by what it returns. That it does not name `done` says nothing where one function wraps another;
  // where it does, its promise is not the answer.
  return new Promise((resolve, reject) => {
    const result = hook.call(instance, request, reply, (error) => (error ? reject(error) : resolve(undefined)));
    if (isThenable(result)) result.then(hook.length < 3 ? resolve : undefined, reject);
  });
}
