import { wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { readInitJournal } from '../ceremony/init-journal.ts';
import type { FoundAnomaly } from '../ceremony/people.ts';
import { readInput } from '../machine/files.ts';
import { createRecorder } from '../machine/recorder.ts';
import { createState, openState, type State } from '../machine/state.ts';
import { acceptTrust, openTrust } from '../trust/trust-file.ts';
import type { CommandIo } from './io.ts';

const trustMaxBytes = 4 * 1024 * 1024;

/** The state directory; a lost one is begun anew from the trust file, which every custodian confirms as an anomaly (P10). */
export async function openOrRebuildState(
  dir: string,
  flags: { readonly trust?: string },
  io: CommandIo,
): Promise<{ state: State; anomalies: FoundAnomaly[] }> {
  refuseUnfinishedInit(dir);
  try {
    const state = openState(dir);
    if (flags.trust !== undefined) compareTrust(state, flags.trust);
    return { state, anomalies: anomaliesOf(state) };
  } catch (error) {
    if (!isBreakglassError(error, 'STATE_MISSING') || flags.trust === undefined) throw error;
    const trust = openTrust(readInput(flags.trust, { what: 'the trust file', maxBytes: trustMaxBytes }));
    const recorder = await createRecorder();
    try {
      const state = createState(dir, { trust, recorder: recorder.pkcs8, revocations: new Uint8Array(0) });
      io.note(`there was no state directory ${dir}: began it anew from ${flags.trust}`);
      return { state, anomalies: anomaliesOf(state) };
    } finally {
      wipe(recorder.pkcs8);
    }
  }
}

/** A state directory that was begun anew has no high-water mark, until a quorum has confirmed that and given it one. */
function anomaliesOf(state: State): FoundAnomaly[] {
  const damage = state.damage.map(({ message }) => ({ code: 'STATE_DAMAGED' as const, detail: message }));
  if (state.highWater !== null || damage.length > 0) return damage;
  return [{ code: 'STATE_NEW', detail: 'the state directory was lost and begun anew from the trust file' }];
}

/** Throws `INIT_UNFINISHED` while an init in `dir` must be run again. */
export function refuseUnfinishedInit(dir: string): void {
  if (readInitJournal(dir) === undefined) return;
  throw new BreakglassError('INIT_UNFINISHED', `an init in ${dir} was interrupted`, {
    hint: 'run breakglass init with the same --state: it finishes, or says that it begins afresh. Nothing was signed.',
  });
}

function compareTrust(state: State, file: string): void {
  const given = openTrust(readInput(file, { what: 'the trust file', maxBytes: trustMaxBytes }));
  if (given.sha256 === state.trust.sha256) return;
  acceptTrust(state.trust, given);
  throw new BreakglassError(
    'TRUST_OTHER',
    `${file} is version ${given.payload.version}, and this machine is at version ${state.trust.payload.version}`,
    {
      hint: 'a ceremony takes only the version that its trail names. Leave --trust out, or give that version. Nothing was signed.',
    },
  );
}
