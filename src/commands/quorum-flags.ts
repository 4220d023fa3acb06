/** What the command line of every quorum ceremony can say: its request, its people, its machine and its media. */
export interface QuorumFlags {
  readonly request?: string;
  readonly trust?: string;
  readonly state?: string;
  readonly medium?: readonly string[];
  readonly share?: readonly string[];
  readonly confirm?: string;
  readonly clock?: string;
  readonly head?: string;
  readonly accept?: readonly string[];
  readonly passphraseFd?: string;
  readonly revocations?: readonly string[];
  readonly review?: readonly string[];
  readonly out?: string;
  readonly allowFixed?: true;
  readonly json?: true;
}
