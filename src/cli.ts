import { Command, CommanderError } from 'commander';
import { BreakglassError, type ExitName, errorExits, exitStatus } from './base/errors.ts';
import { registerAuditCheck } from './commands/audit-check.ts';
import { registerDrill } from './commands/drill.ts';
import { registerGuard } from './commands/guard.ts';
import { registerInit } from './commands/init.ts';
import type { CommandIo } from './commands/io.ts';
import { registerMedia } from './commands/media.ts';
import { registerMint } from './commands/mint.ts';
import { registerPeople } from './commands/people.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerPreflight } from './commands/preflight.ts';
import { registerProof } from './commands/proof.ts';
import { registerRequest } from './commands/request.ts';
import { registerReview } from './commands/review.ts';
import { registerRevocations } from './commands/revocations.ts';
import { registerRevoke } from './commands/revoke.ts';
import { registerRotate } from './commands/rotate.ts';
import { registerShare } from './commands/share.ts';
import { registerStrip } from './commands/strip.ts';
import { registerTrust } from './commands/trust.ts';
import { registerVerify } from './commands/verify.ts';
import { systemClock } from './machine/clock.ts';
import { writeOut } from './machine/descriptor.ts';
import { softwareVersion } from './machine/version.ts';
import { visible } from './terminal/voice.ts';

/** The table of commands, in the order of a ceremony. */
const commands: Readonly<Record<string, (program: Command, io: CommandIo) => void>> = {
  init: registerInit,
  request: registerRequest,
  mint: registerMint,
  strip: registerStrip,
  proof: registerProof,
  verify: registerVerify,
  guard: registerGuard,
  revoke: registerRevoke,
  revocations: registerRevocations,
  'audit-check': registerAuditCheck,
  review: registerReview,
  drill: registerDrill,
  rotate: registerRotate,
  policy: registerPolicy,
  trust: registerTrust,
  share: registerShare,
  people: registerPeople,
  media: registerMedia,
  preflight: registerPreflight,
};

/** Runs one command and resolves with its exit status. Errors become text and status here and nowhere else. */
export async function main(argv: readonly string[]): Promise<number> {
  // Node.js answers this signal with a debugger on a socket.
  process.on('SIGUSR1', () => {});
  let ended: ExitName = 'done';
  const io: CommandIo = {
    clock: systemClock,
    // The global one, for node:crypto takes a moment to load and most commands draw nothing.
    random: (length) => crypto.getRandomValues(Buffer.allocUnsafeSlow(length)),
    env: process.env,
    product: (text) => writeOut(1, Buffer.from(text)),
    note: (text) => writeOut(2, Buffer.from(`${text}\n`)),
    exit: (status) => {
      ended = status;
    },
  };
  try {
    const root = program(argv[0], io);
    refuseMissingSubcommand(root, argv);
    await root.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return exitStatus[ended];
  } catch (error) {
    return exitStatus[report(error, argv.includes('--json'), io)];
  }
}

// Only the command that is asked for is set up; help and a misspelt name need them all.
function program(name: string | undefined, io: CommandIo): Command {
  const output = { writeOut: (text: string) => void io.product(text), writeErr: () => {} };
  const root = new Command('breakglass')
    .description('Sealed break-glass issuance: M of N custodians, offline, on the record.')
    .version(softwareVersion(), '-V, --version')
    .exitOverride()
    .configureOutput(output)
    .showSuggestionAfterError();
  const asked = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  for (const register of asked ? [asked] : Object.values(commands)) register(root, io);
  for (const command of withSubcommands(root)) command.exitOverride().configureOutput(output);
  return root;
}

// commander would write the whole help to standard error and say no more.
function refuseMissingSubcommand(root: Command, [name, next]: readonly string[]): void {
  const command = root.commands.find((candidate) => candidate.name() === name);
  const names = command?.commands.map((candidate) => candidate.name()) ?? [];
  if (next !== undefined || names.length === 0 || (command?.registeredArguments.length ?? 0) > 0) return;
  throw new BreakglassError('USAGE', `${name} does nothing by itself`, {
    hint: `say which: ${names.map((candidate) => `breakglass ${name} ${candidate}`).join(', ')}. Nothing was done.`,
  });
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

function report(error: unknown, json: unknown, io: CommandIo): ExitName {
  if (error instanceof CommanderError && error.exitCode === 0) return 'done';
  const known = asBreakglassError(error);
  if (!known) {
    io.note(`breakglass: a bug in breakglass: ${error instanceof Error ? error.stack : String(error)}`);
    io.note('hint: keep this text for the maintainers. What the last step above did not report as done was not done.');
    return 'bug';
  }
  if (json) io.product(`${JSON.stringify({ v: 1, errors: errorsOf(known) })}\n`);
  io.note(visible(`breakglass: ${known.message}`));
  for (const detail of known.details.length > 1 ? known.details : []) io.note(visible(`  - ${detail.message}`));
  io.note(visible(`hint: ${known.hint}`));
  return errorExits[known.code];
}

function errorsOf(error: BreakglassError) {
  if (error.details.length === 0) return [{ code: error.code, message: error.message, hint: error.hint }];
  return error.details.map((detail) => ({
    code: error.code,
    rule: detail.name,
    message: detail.message,
    hint: error.hint,
  }));
}

function asBreakglassError(error: unknown): BreakglassError | undefined {
  if (error instanceof BreakglassError) return error;
  if (!(error instanceof CommanderError)) return undefined;
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new BreakglassError('USAGE', message, {
    hint: 'breakglass COMMAND --help lists the flags. Nothing was done.',
    cause: error,
  });
}
