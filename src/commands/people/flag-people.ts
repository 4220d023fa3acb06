import { BreakglassError } from '../../base/errors.ts';
import { formatTime, parseTime, type Seconds } from '../../base/time.ts';
import type { Panel, Progress, QuorumPeople } from '../../ceremony/people.ts';
import { matchesWords } from '../../key/fingerprint.ts';
import { type PassphraseSource, readShareFile } from './share-files.ts';

/** The flags that stand for people where there is no terminal. */
export interface PeopleFlags {
  readonly confirm: string;
  readonly clock: string;
  readonly head: string;
  readonly shares: readonly string[];
  readonly accept: readonly string[];
  readonly passphrases: PassphraseSource;
}

/** How far the machine's clock may be from `--clock`. */
const clockToleranceSeconds = 120;

/** A quorum whose answers are the flags of one command line: every answer that does not fit refuses. */
export function flagPeople(flags: PeopleFlags): QuorumPeople {
  const shares = [...flags.shares];
  let current = '';
  return {
    headCode: async () => (flags.head === 'none' ? null : flags.head),
    confirmClock: async (now) => {
      checkClock(flags.clock, now);
      return 'flag';
    },
    confirmRequest: async (panel) => {
      if (!matchesWords(flags.confirm, panel.fingerprint)) throw requestChanged(panel);
      refuseUnaccepted(panel, flags.accept);
    },
    nextShare: async (_panel: Panel, progress: Progress) => {
      const path = shares.shift();
      if (path === undefined) throw tooFew(progress);
      current = path;
      return readShareFile(path, flags.passphrases);
    },
    refused: async (error) => {
      throw new BreakglassError(error.code, `${current}: ${error.message}`, { hint: error.hint, cause: error });
    },
    accepted: () => {},
    extraShare: async (why, progress) => {
      if (shares.length > 0) return 'comes';
      if (flags.accept.includes('REVIEW_OVERDUE')) return 'nobody';
      throw noExtraShare(why, progress);
    },
  };
}

function checkClock(flag: string, now: Seconds): void {
  const said = parseTime(flag);
  if (said === undefined) {
    throw new BreakglassError('BAD_INPUT', '--clock is not a time', {
      hint: 'write what a watch says in UTC, like 2026-01-31T23:59:59Z. Nothing was signed.',
    });
  }
  if (Math.abs(said - now) <= clockToleranceSeconds) return;
  throw new BreakglassError(
    'CLOCK_DIFFERS',
    `the clock of this machine says ${formatTime(now)}, --clock says ${flag}`,
    {
      hint: 'set the clock of this machine (date -u -s), or mend the flag. Nothing was signed.',
    },
  );
}

function requestChanged(panel: Panel): BreakglassError {
  return new BreakglassError(
    'REQUEST_CHANGED',
    `the words of --confirm are not the fingerprint of this request (${panel.request.id})`,
    {
      hint: 'the request was changed after its words were read out, or the words are of another one. Ask the responder again. Nothing was signed.',
    },
  );
}

function refuseUnaccepted(panel: Panel, accept: readonly string[]): void {
  // --allow-fixed is itself the acceptance of fixed media.
  const open = panel.anomalies.filter(({ code }) => code !== 'MEDIA_FIXED' && !accept.includes(code));
  if (open.length === 0) return;
  const codes = [...new Set(open.map(({ code }) => code))];
  throw new BreakglassError(
    'ANOMALY_UNCONFIRMED',
    `something looks wrong: ${open.map(({ detail }) => detail).join('; ')}`,
    {
      hint: `look at it with every custodian; to go on, add: ${codes.map((code) => `--accept ${code}`).join(' ')}. It goes on the record. Nothing was signed.`,
      details: open.map(({ code, detail }) => ({ name: code, message: detail })),
    },
  );
}

function noExtraShare(why: string, { given }: Progress): BreakglassError {
  return new BreakglassError('SHARE_TOO_FEW', `${why}; ${given.length} were given (${given.join(', ')})`, {
    hint: 'give one more --share FILE; if nobody else can come, add: --accept REVIEW_OVERDUE. It goes on the record. Nothing was signed.',
  });
}

function tooFew({ given, missing }: Progress): BreakglassError {
  return new BreakglassError(
    'SHARE_TOO_FEW',
    `${missing} more ${missing === 1 ? 'share is' : 'shares are'} needed, ${given.length} counted (${given.join(', ') || 'none'})`,
    {
      hint: 'give --share FILE once for each custodian. Nothing was signed.',
    },
  );
}
