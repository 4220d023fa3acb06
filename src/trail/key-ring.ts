import { createPublicKey, type KeyObject } from 'node:crypto';
import type { PublicKey } from '../key/public.ts';

/**
 * A public key as several equal KeyObjects, handed out in turn. OpenSSL's wrapper in Node locks a KeyObject while it verifies,
 * so that with a single one all threads, the one that hands out work included, would wait for each other.
 */
export class KeyRing {
  readonly #public: PublicKey;
  readonly #size: number;
  readonly #keys: KeyObject[] = [];
  #turn = 0;

  constructor(key: PublicKey, size: number) {
    this.#public = key;
    this.#size = size;
  }

  next(): KeyObject {
    const turn = this.#turn;
    this.#turn = (turn + 1) % this.#size;
    const key = this.#keys[turn] ?? createPublicKey({ key: { ...this.#public.jwk }, format: 'jwk' });
    this.#keys[turn] = key;
    return key;
  }
}
