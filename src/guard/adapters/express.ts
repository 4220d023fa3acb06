import type { AdapterOptions, Checker } from './decide.ts';
import { guardOf, type NodeGuard, type NodeRequest } from './node.ts';

/** What an adapter reads of a request of Express 4 or 5. */
export interface ExpressRequest extends NodeRequest {
  /** As the client sent it: `url` loses the path that a router is mounted at. */
  readonly originalUrl: string;
  /** The client's address by the setting `trust proxy`. */
  readonly ip?: string | undefined;
}

/** A guard for Express. */
export function expressGuard(
  checker: Checker,
  options: AdapterOptions<ExpressRequest> = {},
): NodeGuard<ExpressRequest> {
  return guardOf(checker, ({ originalUrl }) => originalUrl, options);
}
