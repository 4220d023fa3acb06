import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { SigningKey } from '../../src/key/derive.ts';
import { deriveKey } from '../../src/key/derive.ts';
import { openWithPassphrase, sealWithPassphrase } from '../../src/machine/sealed.ts';
import type { DenyEntry } from '../../src/revocation/statement.ts';
import { sealStatement } from '../../src/revocation/statement.ts';
import { parseShare } from '../../src/share/card.ts';
import { combineShares } from '../../src/share/combine.ts';
import type { Claims } from '../../src/token/claims.ts';
import { keyOrigin, openTrust, type Trust } from '../../src/trust/trust-file.ts';
import type { Run, RunOptions } from './program.ts';
import {
  audience,
  goodShares,
  initFlags,
  json,
  mintFlags,
  payloadOf,
  type Scene,
  type Scenes,
  writeRequest,
} from './scene.ts';

export const passphrase = 'three commanders in a boat';

/** A trust with these commanders, in a folder where the list and erin's key lie at hand. */
export async function makeRevokers(scenes: Scenes, labels: readonly string[] = ['erin']): Promise<Scene> {
  const scene = scenes.fresh();
  const flags = labels.flatMap((label) => ['--revoker', label]);
  const run = await scene.run([...initFlags, ...flags, '--passphrase-fd', '3'], {
    passphrases: `${passphrase}\n`.repeat(labels.length),
  });
  if (run.status !== 0) throw new Error(`init failed: ${run.stderr}`);
  for (const label of labels) await sealLightly(scene.path(`out/${label}.revoker.age`));
  writeFileSync(scene.path('erin.revoker.age'), readFileSync(scene.path('out/erin.revoker.age')));
  writeFileSync(scene.path('revocations.jws'), readFileSync(scene.path('out/revocations.jws')));
  mkdirSync(scene.path('watched'));
  return scene;
}

// The same key under the same passphrase, with less work than age's own second: many tests open it.
async function sealLightly(path: string): Promise<void> {
  const typed = Buffer.from(passphrase);
  const pkcs8 = await openWithPassphrase(readFileSync(path), typed);
  writeFileSync(path, await sealWithPassphrase(pkcs8, typed, { workFactor: 10 }));
}

/** Mints into FILE; resolves with the claims of its tokens. */
export async function mintTo(scene: Scene, file: string, flags: readonly string[] = []): Promise<Claims[]> {
  const run = await scene.run([...mintFlags(await writeRequest(scene, flags)), '--out', file]);
  if (run.status !== 0) throw new Error(`mint failed: ${run.stderr}`);
  const tokens = readFileSync(scene.path(file), 'latin1').trimEnd().split('\n');
  return tokens.map((token) => payloadOf(token) as Claims);
}

/** `revoke` by erin, without a terminal. */
export function revokeBy(scene: Scene, flags: readonly string[], options: RunOptions = {}): Promise<Run> {
  const by = ['revoke', ...flags, '--trust', 'out/trust.jws', '--state', 'desk', '--passphrase-fd', '3'];
  return scene.run(by, { passphrases: `${passphrase}\n`, ...options });
}

export async function verdict(scene: Scene, token: string, list = 'revocations.jws', state = 'desk'): Promise<string> {
  const by = ['--trust', 'out/trust.jws', '--audience', audience, '--revocations', list, '--state', state, '--json'];
  const { valid, code } = json(await scene.run(['verify', token, ...by])) as { valid: boolean | null; code: string };
  return valid ? 'valid' : code;
}

export function trustOf(scene: Scene): Trust {
  return openTrust(readFileSync(scene.path('out/trust.jws')));
}

/** A key of the trust, from three of its cards: what only a ceremony can do. */
export async function keyOf(scene: Scene, role: 'deny' | 'root'): Promise<SigningKey> {
  const cards = goodShares.map((file) => parseShare(new Uint8Array(readFileSync(scene.path(file)))));
  const seed = await combineShares(cards);
  return deriveKey(seed, keyOrigin(trustOf(scene).payload), { role, alg: 'Ed25519', epoch: role === 'root' ? 0 : 1 });
}

/** A statement of the trust's own keys, as a line with its LF. */
export async function statementLine(
  scene: Scene,
  role: 'deny' | 'root',
  change: { readonly deny?: DenyEntry[]; readonly allow?: string[] },
): Promise<string> {
  const payload = { v: 1 as const, trust: trustOf(scene).id, iat: nowSeconds(), deny: [], allow: [], ...change };
  return `${await sealStatement(payload, await keyOf(scene, role))}\n`;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
