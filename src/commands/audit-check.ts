import type { Command } from 'commander';
import type { ExitName } from '../base/errors.ts';
import type { SeenToken } from '../ceremony/audit-check.ts';
import type { Verdict } from '../trail/verdict.ts';
import type { Trust } from '../trust/trust-file.ts';
import { collect } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';

interface Options {
  readonly trust?: string;
  readonly head?: string;
  readonly state?: string;
  readonly newState?: true;
  readonly seen?: readonly string[];
  readonly json?: true;
}

const exitOfVerdict: Readonly<Record<Verdict, ExitName>> = {
  intact: 'done',
  tampered: 'no',
  unreadable: 'media',
  'not-provable': 'undecided',
};

export function registerAuditCheck(program: Command, io: CommandIo): void {
  program
    .command('audit-check')
    .argument('<path...>', 'media, trail folders, or files of concatenated records')
    .option('--trust <file>', 'the trust file that you believe; without it, the pinned one')
    .option('--head <words>', "head code: the words of the last ceremony on a custodian's card")
    .option('--state <file>', 'what you remember of the last check; updated after one that ends intact')
    .option('--new-state', 'make the state file')
    .option('--seen <file>', 'tokens that were seen, one a line (repeatable)', collect)
    .option('--json', 'print JSON')
    .description('judge a trail: signatures, order, policy, copies against each other, and its end')
    .action((paths: string[], options: Options) => auditCheck(paths, options, io));
}

async function auditCheck(paths: readonly string[], options: Options, io: CommandIo): Promise<void> {
  const ceremony = await import('../ceremony/audit-check.ts');
  const report = await ceremony.auditCheck({
    paths,
    trust: await trustFor(options, io),
    head: options.head,
    state: await stateOption(options),
    seen: await readSeen(options.seen ?? []),
  });
  io.exit(exitOfVerdict[report.verdict]);
  const { auditJson, describeAudit } = await import('../report/audit.ts');
  if (options.json) return productJson(io, auditJson(report));
  io.product(describeAudit(report));
}

/** The trust file that the auditor names or has pinned; undefined when there is neither. */
async function trustFor({ trust }: Options, io: CommandIo): Promise<Trust | undefined> {
  const { loadTrust } = await import('./trust.ts');
  const { isBreakglassError } = await import('../base/errors.ts');
  try {
    return await loadTrust(trust, undefined, io);
  } catch (error) {
    if (trust === undefined && isBreakglassError(error, 'TRUST_MISSING')) return undefined;
    throw error;
  }
}

async function stateOption({ state, newState }: Options) {
  if (state !== undefined) return { path: state, mode: newState ? ('new' as const) : ('update' as const) };
  if (!newState) return undefined;
  const { BreakglassError } = await import('../base/errors.ts');
  throw new BreakglassError('USAGE', '--new-state goes with --state FILE', {
    hint: 'say where the state file is to be. Nothing was judged.',
  });
}

async function readSeen(files: readonly string[]): Promise<SeenToken[]> {
  const { readInput } = await import('../machine/files.ts');
  return files.flatMap((file) => {
    const bytes = readInput(file, { what: 'the file of seen tokens', maxBytes: 16 * 1024 * 1024 });
    const lines = Buffer.from(bytes).toString('latin1').split(/\r?\n/);
    return lines.flatMap((token, index) =>
      token === '' ? [] : [{ what: `the token in line ${index + 1} of ${file}`, token }],
    );
  });
}
