import { sha256 } from '../base/bytes.ts';

/** A growing Merkle tree (RFC 6962 §2.1) that keeps only the roots of its complete subtrees: O(log n) memory. */
export interface CheckpointTree {
  readonly size: number;
  /** Adds a leaf: the bytes of the next record file. */
  add(file: Uint8Array): void;
  /** The tree hash, 32 bytes. */
  root(): Uint8Array;
}

export function createTree(): CheckpointTree {
  // One hash per set bit of `size`, the largest subtree first.
  const peaks: Uint8Array[] = [];
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(file) {
      let hash = leafHash(file);
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) hash = nodeHash(peaks.pop() ?? hash, hash);
      peaks.push(hash);
      size++;
    },
    root() {
      const last = peaks.at(-1);
      return last ? peaks.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last) : sha256();
    },
  };
}

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

function leafHash(file: Uint8Array): Uint8Array {
  return sha256(leafPrefix, file);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right);
}
