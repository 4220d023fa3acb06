import { equalBytes } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import type { Seconds } from '../base/time.ts';
import { headWordCount } from '../key/fingerprint.ts';
import type { Claims } from '../token/claims.ts';
import type { ChainResult, TrailPoint } from './check.ts';
import { type CheckpointTree, createTree } from './checkpoint.ts';
import { type Finding, type FindingCode, finding } from './findings.ts';
import { isIssuance } from './record.ts';
import type { RecordFile } from './record-file.ts';

/** What somebody knows about the trail besides its files. Only such knowledge shows that the end was cut off. */
export type Anchor =
  | { readonly kind: 'high-water'; readonly point: TrailPoint }
  | { readonly kind: 'auditor-state'; readonly point: TrailPoint }
  | { readonly kind: 'head-code'; readonly typed: string }
  | {
      readonly kind: 'token';
      /** Of a token whose signature was right. ECDSA gives it many spellings, so its bytes are not compared. */
      readonly claims: Claims;
      /** For people: "the token of seen.txt, line 2". */
      readonly what: string;
    }
  | {
      readonly kind: 'checkpoint';
      readonly size: number;
      readonly root: Uint8Array;
      /** For people: "checkpoint C0000012.TXT on AUDIT-B". */
      readonly what: string;
      readonly medium: string | null;
      readonly cosignedBy: readonly { readonly auditor: string; readonly time: Seconds }[];
    };

export type AnchorKind = Anchor['kind'];

/** An anchor that the trail agrees with. */
export interface HeldAnchor {
  readonly kind: AnchorKind;
  readonly seq: number;
  readonly sha256: string | null;
  readonly what: string;
  /** It came from outside the media: whoever cut their end could not cut it too. */
  readonly outside: boolean;
  /** It names the trust itself, so that a trust file found beside the trail is the right one. */
  readonly bindsTrust: boolean;
}

export interface AnchorJudgement {
  readonly held: readonly HeldAnchor[];
  readonly findings: readonly Finding[];
}

/** Watches a chain go by for the records that anchors name; holds no more than the anchors themselves. */
export interface AnchorWatch {
  /** To be handed to the check when there are checkpoints. */
  readonly tree: CheckpointTree | undefined;
  see(file: RecordFile): void;
  judge(chain: Pick<ChainResult, 'head' | 'facts'>): AnchorJudgement;
}

export function watchAnchors(anchors: readonly Anchor[]): AnchorWatch {
  const wanted = new Set(anchors.flatMap(seqsOf));
  const seen = new Map<number, RecordFile>();
  const sizes = new Set(anchors.flatMap((anchor) => (anchor.kind === 'checkpoint' ? [anchor.size] : [])));
  const roots = new Map<number, Uint8Array>();
  return {
    tree: sizes.size > 0 ? watchedTree(sizes, roots) : undefined,
    see(file) {
      if (wanted.has(file.record.seq) && !seen.has(file.record.seq)) seen.set(file.record.seq, file);
    },
    judge(chain) {
      const judged = anchors.map((anchor) => judgeAnchor(anchor, { chain, seen, roots }));
      const telling = judged.filter((result) => result !== 'agrees');
      return {
        held: telling.filter((result) => 'kind' in result),
        findings: telling.filter((result) => 'code' in result),
      };
    },
  };
}

interface Sight {
  readonly chain: Pick<ChainResult, 'head' | 'facts'>;
  readonly seen: ReadonlyMap<number, RecordFile>;
  readonly roots: ReadonlyMap<number, Uint8Array>;
}

function seqsOf(anchor: Anchor): number[] {
  if (anchor.kind === 'high-water' || anchor.kind === 'auditor-state') return [anchor.point.seq];
  return anchor.kind === 'token' ? [anchor.claims.breakglass.trail.seq] : [];
}

function judgeAnchor(anchor: Anchor, sight: Sight): HeldAnchor | Finding | 'agrees' {
  if (anchor.kind === 'head-code') return judgeHeadCode(anchor.typed, sight);
  if (anchor.kind === 'token') return judgeToken(anchor, sight);
  if (anchor.kind === 'checkpoint') return judgeCheckpoint(anchor, sight);
  const what = anchor.kind === 'high-water' ? "this machine's high-water mark" : "the auditor's state";
  const { seq, sha256 } = anchor.point;
  if (beyondEnd(seq, sight)) return beyond(what, seq, sight);
  if (sight.seen.get(seq)?.sha256 !== sha256)
    return differs('ANCHOR_DIFFERS', what, seq, 'another record stands there');
  const bindsTrust = anchor.kind === 'auditor-state';
  return { kind: anchor.kind, seq, sha256, what, outside: true, bindsTrust };
}

function judgeHeadCode(typed: string, { chain }: Sight): HeldAnchor | Finding {
  const what = 'the head code';
  const found = chain.facts.findHead(typed);
  if (!found) {
    const message =
      'the head code names no ceremony record of this trail: its end was cut off, or the words are of another';
    return finding('ANCHOR_BEYOND_END', message);
  }
  // Fewer words could be found by trial by whoever makes up a whole trail and its trust file.
  const bindsTrust = typed.trim().split(/[\s,]+/).length >= headWordCount;
  return { kind: 'head-code', seq: found.seq, sha256: null, what, outside: true, bindsTrust };
}

function judgeToken(anchor: Extract<Anchor, { kind: 'token' }>, sight: Sight): HeldAnchor | Finding {
  const { claims, what } = anchor;
  const { seq, prev } = claims.breakglass.trail;
  if (beyondEnd(seq, sight)) return beyond(what, seq, sight);
  const record = sight.seen.get(seq)?.record;
  const spelled = canonicalJson(claims);
  const issued = record && isIssuance(record) && record.tokens.some((token) => canonicalJson(token.claims) === spelled);
  if (!issued || record.prev !== prev) return differs('ANCHOR_DIFFERS', what, seq, 'that record did not issue it');
  return { kind: 'token', seq, sha256: sight.seen.get(seq)?.sha256 ?? null, what, outside: true, bindsTrust: false };
}

// One that lies on the media can be removed with the end of the trail. It proves what is before it if an auditor cosigned it;
// without that it says no more than the records do, by the same key: it can only disagree.
function judgeCheckpoint(
  anchor: Extract<Anchor, { kind: 'checkpoint' }>,
  sight: Sight,
): HeldAnchor | Finding | 'agrees' {
  const { size, what, medium } = anchor;
  const seq = size - 1;
  const cosigned = anchor.cosignedBy.map(({ auditor }) => auditor).join(', ');
  const named = cosigned ? `${what}, cosigned by ${cosigned}` : what;
  if (beyondEnd(seq, sight)) return beyond(named, seq, sight);
  const root = sight.roots.get(size);
  if (!root)
    return finding('CHECKPOINT_UNUSED', `${named} cannot be compared: the trail does not begin with genesis`, {
      medium,
    });
  if (!equalBytes(root, anchor.root))
    return { ...differs('CHECKPOINT_DIFFERS', named, seq, 'the records up to it are others'), medium };
  if (!cosigned) return 'agrees';
  return { kind: 'checkpoint', seq, sha256: null, what: named, outside: medium === null, bindsTrust: false };
}

function beyondEnd(seq: number, { chain }: Sight): boolean {
  return chain.head === null || seq > chain.head.seq;
}

function beyond(what: string, seq: number, { chain }: Sight): Finding {
  const end = chain.head ? `the trail ends with record ${chain.head.seq}` : 'the trail is empty';
  return finding('ANCHOR_BEYOND_END', `${what} names record ${seq}, but ${end}: its end was cut off`, { seq });
}

function differs(code: FindingCode, what: string, seq: number, why: string): Finding {
  return finding(code, `${what} names record ${seq}, but ${why}`, { seq });
}

/** A tree that notes its root at the sizes that are asked for. */
function watchedTree(sizes: ReadonlySet<number>, roots: Map<number, Uint8Array>): CheckpointTree {
  const tree = createTree();
  return {
    get size() {
      return tree.size;
    },
    root: () => tree.root(),
    add(file) {
      tree.add(file);
      if (sizes.has(tree.size)) roots.set(tree.size, tree.root());
    },
  };
}
