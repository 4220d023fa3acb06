import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { realLogDisk } from '../guard/use-log/use-log-disk.ts';
import { findFirstLine } from '../guard/use-log/use-log-end.ts';
import { ed25519JwkOf } from '../key/derive.ts';
import { loadPublicKey, thumbprint } from '../key/public.ts';
import { loadSigningKey, signingKeyBytes } from '../machine/signing-key-file.ts';
import type { GuardKeyFlags } from './guard.ts';
import { type CommandIo, productJson } from './io.ts';

/** `guard key` */
export async function runGuardKey(file: string, options: GuardKeyFlags, io: CommandIo): Promise<void> {
  const facts = await realLogDisk.stat(file).catch((cause: unknown) => {
    throw unusable(file, 'cannot be read', cause);
  });
  if (!facts)
    throw new BreakglassError('NOT_FOUND', `there is no key file or use log at ${file}`, {
      hint: 'the key of a guard is beside its log, with .key behind the name. Nothing was done.',
    });
  const source = facts.size === signingKeyBytes ? 'key' : 'log';
  const jwk = source === 'key' ? await jwkOfKeyFile(file) : await jwkOfLog(file);
  if (options.json) return productJson(io, { jwk, kid: thumbprint(jwk), source });
  io.product(`${canonicalJson(jwk)}\n`);
  if (source === 'log')
    io.note(
      'breakglass: this is the key that the log names itself. Compare it with the one of the key file, at the guard.',
    );
}

async function jwkOfKeyFile(file: string): Promise<Ed25519Jwk> {
  const key = await loadSigningKey(file);
  if (!key) throw unusable(file, 'is not there any more');
  return ed25519JwkOf(key);
}

async function jwkOfLog(file: string): Promise<Ed25519Jwk> {
  const { record, jws } = await findFirstLine(realLogDisk, file).catch((cause: unknown) => {
    throw unusable(file, 'is neither a key file nor a use log', cause);
  });
  if (record.type !== 'genesis') throw unusable(file, 'does not begin with the genesis of a use log');
  if (thumbprint(record.guard) !== jws.header.kid || !verifyJws(jws, loadPublicKey(record.guard, file).key))
    throw unusable(file, 'names another key than the one that signed it');
  return record.guard;
}

function unusable(file: string, why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('BAD_INPUT', `${file} ${why}`, {
    hint: 'give the key file of the guard, or the file of its log that begins with record 0. Nothing was done.',
    cause,
  });
}
