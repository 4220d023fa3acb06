import type { Command } from 'commander';

/** The flags that describe what is asked for; the same for `request` and for `mint` without a request file. */
export interface RequestFlags {
  readonly incident?: string;
  readonly subject?: string;
  readonly role?: string;
  readonly circumstance?: string;
  readonly reason?: string;
  readonly lifetime?: string;
  readonly duration?: string;
  readonly recipient?: string;
}

/** Adds them to a command. */
export function withRequestFlags(command: Command): Command {
  return command
    .option('--incident <id>', 'incident')
    .option('--subject <person>', 'who gets the token')
    .option('--role <role>', 'role of the policy')
    .option('--circumstance <name>', 'circumstance of the role')
    .option('--reason <text>', 'why, in words')
    .option('--lifetime <duration>', 'of one token; without it, the longest that the role allows')
    .option('--duration <duration>', 'of a strip of tokens')
    .option('--recipient <age1…>', 'seal the token to this age recipient');
}
