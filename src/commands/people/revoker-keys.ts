import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { wipe } from '../../base/bytes.ts';
import { BreakglassError } from '../../base/errors.ts';
import type { Ed25519Jwk } from '../../base/schema.ts';
import type { Dealer } from '../../ceremony/dealer.ts';
import { newRevokerKey, type PersonalKey, writePersonalKey } from '../../machine/personal-key.ts';
import type { PassphraseSource } from './share-files.ts';

/** A commander's key that was just made; `key.pkcs8` is the caller's to wipe. */
export interface NewRevoker {
  readonly label: string;
  readonly key: PersonalKey<Ed25519Jwk>;
}

export function newRevokers(labels: readonly string[]): NewRevoker[] {
  return labels.map((label) => ({ label, key: newRevokerKey() }));
}

/** Writes the revoker keys first, under the passphrases of their commanders. */
export function withRevokers(
  dealer: Dealer,
  revokers: readonly NewRevoker[],
  outDir: string,
  passphrases: PassphraseSource,
): Dealer {
  const files = revokers.map(({ label, key }) => ({
    label,
    key,
    path: join(outDir, `${label.replaceAll('/', '-')}.revoker.age`),
  }));
  return {
    ...dealer,
    shareFiles: [...dealer.shareFiles, ...files.map(({ path }) => path)],
    begin: async () => {
      for (const { label, key, path } of files) {
        const passphrase = await passphrases(`the revoker key of ${label}`);
        if (!passphrase || passphrase.length === 0) throw noPassphrase(label);
        try {
          await writePersonalKey(path, key, passphrase);
        } finally {
          wipe(passphrase);
        }
      }
      await dealer.begin();
    },
    undo: () => {
      for (const { path } of files) rmSync(path, { force: true });
      dealer.undo();
    },
  };
}

function noPassphrase(label: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', `the revoker key of ${label} has no passphrase`, {
    hint: 'a revoker key is always sealed: type a passphrase, or give one a line on --passphrase-fd. Nothing was dealt.',
  });
}
