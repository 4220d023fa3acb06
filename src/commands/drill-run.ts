import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BreakglassError } from '../base/errors.ts';
import { drill } from '../ceremony/drill.ts';
import type { DrillPeople } from '../ceremony/drill-sandbox.ts';
import { monotonicMilliseconds } from '../machine/clock.ts';
import { realHost } from '../medium/real-host.ts';
import { describeDrill } from '../report/drill.ts';
import { holdingTerminal, openTerminal, type Terminal } from '../terminal/terminal.ts';
import type { Policy } from '../trust/policy.ts';
import { parsePolicyFile, startingPolicy } from '../trust/policy-file.ts';
import type { DrillFlags } from './drill.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadPolicy } from './load-policy.ts';
import { cardDealer } from './people/card-dealer.ts';
import { terminalPeople } from './people/terminal-people.ts';

/** `drill`: a sandbox, the whole flow, a table; questions only where people take part. */
export async function runDrill(flags: DrillFlags, io: CommandIo): Promise<void> {
  const policy = flags.policy === undefined ? ownPolicy() : await loadPolicy(flags.policy);
  const terminal = flags.interactive ? await drillTerminal() : undefined;
  try {
    const hold = () => drillIn(policy, terminal, flags, io);
    await (terminal ? holdingTerminal(terminal, hold) : hold());
  } finally {
    terminal?.close();
  }
}

async function drillIn(
  policy: Policy,
  terminal: Terminal | undefined,
  flags: DrillFlags,
  io: CommandIo,
): Promise<void> {
  const sandbox = openSandbox(flags, io);
  try {
    const report = await drill(
      { policy, sandbox, ...(terminal ? { people: drillPeople(terminal) } : {}) },
      { clock: io.clock, random: io.random, host: realHost, milliseconds: monotonicMilliseconds },
    );
    if (!report.ok) io.exit('no');
    if (flags.json) productJson(io, report);
    else io.product(describeDrill(report, terminal ? 'people' : 'machine'));
    if (flags.keep !== undefined) io.note(`kept the sandbox in ${sandbox}; its cards were never written`);
  } finally {
    if (flags.keep === undefined) rmSync(sandbox, { recursive: true, force: true });
  }
}

async function drillTerminal(): Promise<Terminal> {
  const terminal = await openTerminal();
  if (terminal) return terminal;
  throw new BreakglassError('NO_TERMINAL', 'there is no terminal for --interactive', {
    hint: 'run it in a terminal, or leave --interactive out: then the custodians are simulated. Nothing was done.',
  });
}

/** The same prompts as in earnest, with cards that open nothing. */
function drillPeople(terminal: Terminal): DrillPeople {
  const passphrases = async () => undefined;
  return {
    dealer: cardDealer({ cardDirs: new Map(), readBack: 'asked', terminal, passphrases }),
    quorum: () => terminalPeople(terminal, { shareFiles: [], passphrases }),
  };
}

function ownPolicy(): Policy {
  const result = parsePolicyFile(startingPolicy);
  if ('policy' in result) return result.policy;
  throw new TypeError('the starting policy is good');
}

function openSandbox({ keep }: DrillFlags, io: CommandIo): string {
  if (keep === undefined) return mkdtempSync(join(io.env['TMPDIR'] ?? '/tmp', 'breakglass-drill-'));
  const dir = resolve(keep);
  if (existsSync(dir)) {
    throw new BreakglassError('EXISTS', `${dir} exists already`, {
      hint: 'give --keep a directory that does not exist yet. Nothing was done.',
    });
  }
  mkdirSync(dir, { recursive: true });
  return dir;
}
