import { sha256Hex } from '../base/bytes.ts';
import { readDecided } from '../machine/decided.ts';
import { openRecordFile } from '../trail/record-file.ts';
import type { Changed, ChangeOptions, ChangePorts } from './change.ts';
import { openTrail } from './open-trail.ts';
import { letGo } from './plug-media.ts';
import { publicationOf, publishTrust } from './publish.ts';

/** What a run before had decided is finished, and that is all this run does. Undefined when there was nothing, or it is void. */
export async function finishBefore(options: ChangeOptions, ports: ChangePorts): Promise<Changed | undefined> {
  const { state } = options;
  const decided = readDecided(state.dir);
  if (!decided || decided === 'damaged') return undefined;
  const { policy } = state.trust.payload;
  const trail = await openTrail(
    { ...options, copies: policy.copies, run: { session: '', clock: ports.clock, clockSource: 'none' } },
    ports,
  );
  try {
    const sha256 = sha256Hex(decided.record);
    if (!trail.holds(decided.seq, sha256)) return undefined;
    const { record } = openRecordFile(Buffer.from(decided.record), `record ${decided.seq}`);
    return {
      kind: decided.kind,
      trust: state.trust,
      record: { seq: decided.seq, sha256 },
      // Finishing published it and told what failed; now it only shows what lies there.
      published: publishTrust(publicationOf(state), decided.outDir),
      run: 'again',
      custodians: 'custodians' in record ? labelsOf(record.custodians) : [],
      retiredSet: null,
      statements: decided.statements.split('\n').length - 1,
      // Who held them was told before the change was decided.
      ended: [],
      warnings: trail.warnings,
    };
  } finally {
    letGo(trail.media);
  }
}

function labelsOf(custodians: readonly (string | { readonly label: string })[]): string[] {
  return custodians.map((custodian) => (typeof custodian === 'string' ? custodian : custodian.label));
}
