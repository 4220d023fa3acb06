import { existsSync } from 'node:fs';
import { BreakglassError } from '../base/errors.ts';
import { conformOrUndefined, freeText } from '../base/schema.ts';
import { type AuditReport, auditCheck } from '../ceremony/audit-check.ts';
import { draftReview, signReview } from '../ceremony/review.ts';
import { writeExclusive } from '../machine/files.ts';
import { describeAudit } from '../report/audit.ts';
import { describeReview } from '../report/review.ts';
import { usesJson } from '../report/uses.ts';
import { askText } from '../terminal/prompts.ts';
import { holdingTerminal, openTerminal, type Terminal } from '../terminal/terminal.ts';
import { believedTrust } from './audit-check-run.ts';
import { findAuditorKey, openAuditorKey } from './auditor-key.ts';
import { identifierFlag, requireFlags } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { passphraseSource } from './people/passphrases.ts';
import type { ReviewFlags } from './review.ts';
import { usesOptions } from './uses-options.ts';

/** `review`: trail and use logs in, what they say of one incident signed by an auditor out. */
export async function runReview(given: string, flags: ReviewFlags, io: CommandIo): Promise<void> {
  const incident = identifierFlag('the incident', given);
  const out = flags.out ?? `${incident.replaceAll(/[/:]/g, '-')}.review.jws`;
  refuseBefore(flags, out);
  const file = findAuditorKey(flags.key);
  const terminal = flags.passphraseFd !== undefined && flags.remarks !== undefined ? undefined : await openTerminal();
  try {
    if (!terminal) requireFlags('review', { '--remarks': flags.remarks, '--passphrase-fd': flags.passphraseFd });
    const report = await readReport(flags, io);
    const at = io.clock.now();
    const conclusion = flags.misuse ? 'misuse' : 'found';
    // Refused before anybody writes remarks or types a passphrase.
    const draft = draftReview(report, { incident, conclusion, remarks: '-', at });
    io.note(describeAudit(report));
    io.note(describeReview(draft));
    const work = async () => {
      const remarks = flags.remarks ?? (await askRemarks(terminal));
      const passphrases = passphraseSource(flags.passphraseFd, terminal, 'open');
      const key = await openAuditorKey(file, { passphrases, note: io.note });
      return signReview({ ...draft, remarks }, key, { auditors: report.auditors, what: file.path });
    };
    const { review, statement } = await (terminal ? holdingTerminal(terminal, work) : work());
    writeExclusive(out, Buffer.from(`${statement}\n`), { mode: 0o644 });
    if (flags.json)
      productJson(io, { file: out, review, verdict: report.verdict, uses: report.uses && usesJson(report.uses) });
    else
      io.product(
        `Signed by ${review.auditor}: ${out}\nTake it to the next ceremony: breakglass mint --review ${out}\n`,
      );
  } finally {
    terminal?.close();
  }
}

async function readReport(flags: ReviewFlags, io: CommandIo): Promise<AuditReport> {
  return auditCheck({
    paths: flags.trail ?? [],
    trust: await believedTrust(flags.trust, io),
    head: flags.head,
    state: undefined,
    seen: [],
    now: io.clock.now(),
    ...usesOptions(flags),
  });
}

function refuseBefore(flags: ReviewFlags, out: string): void {
  const { trail = [], uses, withoutUses, remarks } = flags;
  if (trail.length === 0)
    throw usage('a review looks at a trail', 'give the media or a copy of them with --trail PATH');
  if (uses === undefined && !withoutUses)
    throw usage(
      'a review compares what was done with what was issued, and there is no use log',
      'give the logs of the guards with --uses FILE; if there are none, add --without-uses: that stays a finding for ever',
    );
  if (uses !== undefined && withoutUses) throw usage('--without-uses goes without --uses', 'leave out one of the two');
  if (remarks !== undefined && conformOrUndefined(freeText, remarks) === undefined)
    throw usage('the remarks are no text of 1 to 1,024 visible characters', 'write them in one line');
  if (existsSync(out))
    throw new BreakglassError('EXISTS', `${out} exists already and was not overwritten`, {
      hint: 'name another file with --out, or move this one away. Nothing was signed.',
    });
}

function usage(message: string, hint: string): BreakglassError {
  return new BreakglassError('USAGE', message, { hint: `${hint}. Nothing was signed.` });
}

async function askRemarks(terminal: Terminal | undefined): Promise<string> {
  if (!terminal) throw new TypeError('the remarks were asked for as a flag');
  const validate = (text: string) =>
    conformOrUndefined(freeText, text) === undefined ? 'one line of 1 to 1,024 visible characters' : undefined;
  return askText(terminal, 'Your remarks, for whoever reads the trail', { validate });
}
