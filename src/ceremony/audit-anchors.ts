import { sha256Hex } from '../base/bytes.ts';
import { isBreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import type { NumberedFile, TrailSource } from '../medium/source.ts';
import { readToken } from '../token/read.ts';
import type { Anchor } from '../trail/anchors.ts';
import { type Checkpoint, openCheckpoint, openCosignature } from '../trail/checkpoint.ts';
import { type Finding, finding } from '../trail/findings.ts';
import type { TrustHistory } from '../trail/trust-history.ts';
import type { SeenToken } from './audit-check.ts';

interface Found {
  readonly anchors: readonly Anchor[];
  readonly findings: readonly Finding[];
}

/** Tokens name the record that issued them; one that no key of this trust signed names nothing. */
export function seenTokenAnchors(seen: readonly SeenToken[], history: TrustHistory): Found {
  const judged = seen.map((token) => seenTokenAnchor(token, history));
  return {
    anchors: judged.flatMap((result) => ('kind' in result ? [result] : [])),
    findings: judged.flatMap((result) => ('kind' in result ? [] : [result])),
  };
}

function seenTokenAnchor({ what, token }: SeenToken, history: TrustHistory): Anchor | Finding {
  const refuse = (why: string) => finding('SEEN_TOKEN_UNUSED', `${what} proves nothing: ${why}`);
  try {
    const { claims, jws } = readToken(token);
    const keys = history.versions.flatMap((trust) =>
      trust.keys.filter(({ use }) => use === 'token' || use === 'drill'),
    );
    const key = keys.find(({ public: { kid } }) => kid === jws.header.kid)?.public;
    if (key?.alg !== jws.header.alg || !verifyJws(jws, key.key)) return refuse('no key of this trust signed it');
    if (claims.breakglass.trail.id !== history.id) return refuse('it names another trail');
    return { kind: 'token', claims, what };
  } catch (error) {
    if (isBreakglassError(error)) return refuse(error.message);
    throw error;
  }
}

/** The checkpoints that lie on the media, each with the cosignatures of auditors; the same bytes count once. */
export function checkpointAnchors(sources: readonly TrailSource[], history: TrustHistory): Found {
  const anchors: Anchor[] = [];
  const findings: Finding[] = [];
  const judged = new Set<string>();
  for (const source of sources) {
    for (const file of source.checkpoints) {
      const digest = sha256Hex(file.bytes);
      if (judged.has(digest)) continue;
      judged.add(digest);
      const result = checkpointAnchor(file, source, { sources, history });
      if ('kind' in result) anchors.push(result);
      else findings.push(result);
    }
  }
  return { anchors, findings };
}

function checkpointAnchor(
  file: NumberedFile,
  source: TrailSource,
  all: { readonly sources: readonly TrailSource[]; readonly history: TrustHistory },
): Anchor | Finding {
  const what = `checkpoint ${file.name} on ${source.label}`;
  try {
    const keys = all.history.versions.flatMap((trust) => trust.keys);
    const checkpoint = openCheckpoint(file.bytes, { id: all.history.id, keys });
    if (checkpoint.size !== file.number)
      return finding('CHECKPOINT_UNUSED', `${what} is of ${checkpoint.size} records`, { medium: source.label });
    const { size, root } = checkpoint;
    return { kind: 'checkpoint', size, root, what, medium: source.label, cosignedBy: cosigners(checkpoint, all) };
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    return finding('CHECKPOINT_UNUSED', `${what}: ${error.message}`, { medium: source.label });
  }
}

function cosigners(
  checkpoint: Checkpoint,
  { sources, history }: { readonly sources: readonly TrailSource[]; readonly history: TrustHistory },
) {
  const auditors = history.versions.flatMap((trust) => trust.auditors);
  const lines = sources.flatMap((source) => source.cosignatures.filter(({ number }) => number === checkpoint.size));
  return lines.flatMap(({ bytes }) => {
    try {
      return [openCosignature(bytes, checkpoint, auditors)];
    } catch (error) {
      if (isBreakglassError(error)) return [];
      throw error;
    }
  });
}
