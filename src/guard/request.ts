/** A request as a guard judges it, whatever framework it came by. */
export interface GuardRequest {
  readonly method: string;
  /** Path and query as they came, undecoded: `/rows?limit=3`. */
  readonly target: string;
  /** The values of every field of that name (lower case), one by one, in order: two fields must not look like one. */
  readonly header: (name: string) => readonly string[];
  /** Who asks, for the use log: an address; null when that is not known. */
  readonly client: string | null;
}

/** What a route wants of a break-glass token: a scope, an action, or both. */
export interface Requirement {
  readonly scope?: string;
  readonly action?: string;
}
