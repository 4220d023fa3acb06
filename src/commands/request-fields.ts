import { randomId } from '../base/random.ts';
import type { PublicJwk } from '../base/schema.ts';
import { isFreeText, toIdentifier } from '../base/text.ts';
import { formatTime } from '../base/time.ts';
import { askChoice, askText } from '../terminal/prompts.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Policy, policyRole, policySeconds } from '../trust/policy.ts';
import type { Request } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import { durationFlag, identifierFlag, requireFlags } from './flags.ts';
import type { CommandIo } from './io.ts';
import type { RequestFlags } from './request-flags.ts';

export interface RequestFields {
  readonly incident: string;
  readonly subject: string;
  readonly role: string;
  readonly circumstance: string;
  readonly reason: string;
  readonly lifetimeSeconds: number;
  readonly durationSeconds: number | null;
  readonly recipient: string | null;
}

/** The fields from the flags; what they leave out is asked at the terminal, or refused all at once when there is none. */
export async function completeFields(
  command: string,
  flags: RequestFlags,
  policy: Policy,
  terminal: Terminal | undefined,
): Promise<RequestFields> {
  const role = flags.role === undefined ? only(Object.keys(policy.roles)) : identifierFlag('--role', flags.role);
  const subject = flags.subject === undefined ? only(responders(policy)) : identifierFlag('--subject', flags.subject);
  if (!terminal) {
    requireFlags(command, {
      '--incident': flags.incident,
      '--subject': subject,
      '--role': role,
      '--circumstance': flags.circumstance ?? onlyCircumstance(policy, role),
      '--reason': flags.reason,
    });
  }
  const chosenRole = role ?? (await choose(terminal, 'Role', Object.keys(policy.roles)));
  const circumstance =
    flags.circumstance === undefined
      ? onlyCircumstance(policy, chosenRole)
      : identifierFlag('--circumstance', flags.circumstance);
  const longest = policyRole(policy, chosenRole)?.maxLifetime ?? '15m';
  return {
    incident:
      flags.incident === undefined
        ? await askIdentifier(terminal, 'Incident')
        : identifierFlag('--incident', flags.incident),
    subject: subject ?? (await choose(terminal, 'For whom', responders(policy))),
    role: chosenRole,
    circumstance:
      circumstance ?? (await choose(terminal, 'Circumstance', policyRole(policy, chosenRole)?.circumstances ?? [])),
    reason: flags.reason ?? (await askReason(terminal, policy)),
    lifetimeSeconds: flags.lifetime === undefined ? policySeconds(longest) : durationFlag('--lifetime', flags.lifetime),
    durationSeconds: flags.duration === undefined ? null : durationFlag('--duration', flags.duration),
    recipient: flags.recipient ?? null,
  };
}

/** A request of these fields, new: its own id and the time of now. */
export function newRequest(
  kind: 'mint' | 'drill',
  fields: RequestFields,
  holder: PublicJwk | null,
  trust: Trust,
  io: CommandIo,
): Request {
  return {
    v: 1,
    trust: trust.id,
    kind,
    id: randomId(io.random),
    ...fields,
    holder,
    createdAt: formatTime(io.clock.now()),
    parameters: null,
  };
}

function responders(policy: Policy): string[] {
  return Object.keys(policy.people).filter((label) => policy.people[label]?.includes('responder'));
}

function onlyCircumstance(policy: Policy, role: string | undefined): string | undefined {
  return only((role === undefined ? undefined : policyRole(policy, role)?.circumstances) ?? []);
}

// What has one answer is not asked.
function only(choices: readonly string[]): string | undefined {
  return choices.length === 1 ? choices[0] : undefined;
}

async function choose(terminal: Terminal | undefined, message: string, choices: readonly string[]): Promise<string> {
  return askChoice(atTerminal(terminal), message, choices);
}

async function askIdentifier(terminal: Terminal | undefined, message: string): Promise<string> {
  const validate = (text: string) =>
    toIdentifier(text) === undefined ? 'use a-z 0-9 . _ : @ / - and begin with a letter or digit' : undefined;
  return identifierFlag(message, await askText(atTerminal(terminal), message, { validate }));
}

/** Asks why, as long as the policy wants it. */
export async function askReason(terminal: Terminal | undefined, policy: Policy): Promise<string> {
  const least = Math.max(1, policy.reason.minLength);
  const validate = (text: string) =>
    text.length >= least && isFreeText(text) ? undefined : `write ${least} to 1,024 visible characters`;
  return askText(atTerminal(terminal), 'Reason', { validate });
}

function atTerminal(terminal: Terminal | undefined): Terminal {
  if (!terminal) throw new TypeError('missing flags were refused before');
  return terminal;
}
