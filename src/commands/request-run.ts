import { existsSync } from 'node:fs';
import { wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { PublicJwk } from '../base/schema.ts';
import { conformOrUndefined, publicJwk } from '../base/schema.ts';
import { loadPublicKey } from '../key/public.ts';
import { readInput, writeExclusive } from '../machine/files.ts';
import { newHolderKey, writePersonalKey } from '../machine/personal-key.ts';
import { checkRecipient } from '../machine/sealed.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { openTerminal } from '../terminal/terminal.ts';
import type { Request } from '../trust/request.ts';
import { asTokenRequest, checkRequest, formatRequest, requestFingerprint } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import { custodianLabels } from '../trust/trust-file.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrust } from './load-trust.ts';
import { passphraseSource } from './people/passphrases.ts';
import type { RequestCommandFlags } from './request.ts';
import { completeFields, newRequest, type RequestFields } from './request-fields.ts';

/** `request`: flags and questions in, the responder's file and its words out. */
export async function runRequest(options: RequestCommandFlags, io: CommandIo): Promise<void> {
  const trust = await loadTrust(options.trust, options.state, io);
  const terminal = await openTerminal();
  try {
    const fields = await completeFields('request', options, trust.payload.policy, terminal);
    if (fields.recipient !== null) await checkRecipient(fields.recipient);
    await writeRequest(fields, trust, options, terminal, io);
  } finally {
    terminal?.close();
  }
}

async function writeRequest(
  fields: RequestFields,
  trust: Trust,
  options: RequestCommandFlags,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<void> {
  const out = options.out ?? `${fields.incident}.request.json`.replaceAll('/', '-');
  refuseExisting(out);
  const kind = options.drill ? 'drill' : 'mint';
  const plain = newRequest(kind, fields, null, trust, io);
  const how = holderMode(options, fields, trust);
  await refuseBroken({ ...plain, holder: how === 'none' ? null : anyHolder }, trust, io);
  const holder = await makeHolder(how, fields, options, terminal, io);
  const made = { ...plain, holder };
  writeExclusive(out, formatRequest(made), { mode: 0o644 });
  const fingerprint = requestFingerprint(made);
  if (options.json) return productJson(io, { file: out, id: made.id, fingerprint });
  io.product(`Wrote ${out}. Take it to the custodians and read out these words:\n\n`);
  for (let at = 0; at < fingerprint.words.length; at += 4)
    io.product(`  ${fingerprint.words.slice(at, at + 4).join(' ')}\n`);
}

// Before the holder key is made: a key without its request would be left behind.
function refuseExisting(out: string): void {
  if (!existsSync(out)) return;
  throw new BreakglassError('EXISTS', `${out} exists already and was not overwritten`, {
    hint: 'give --out another name. No key was made and no request was written.',
  });
}

// Only whether there is a holder key matters to the policy.
const anyHolder: PublicJwk = { crv: 'Ed25519', kty: 'OKP', x: '1'.repeat(42).concat('A') };

function holderMode(options: RequestCommandFlags, fields: RequestFields, trust: Trust): string {
  if (options.holder !== undefined) return options.holder;
  return trust.payload.policy.roles[fields.role]?.holder === 'required' ? 'new' : 'none';
}

/** The policy is asked before the responder walks to the vault, and again there. */
async function refuseBroken(made: Request, trust: Trust, io: CommandIo): Promise<void> {
  const quorum = { threshold: trust.set.threshold, custodians: custodianLabels(trust.set) };
  const violations = checkRequest(asTokenRequest(made), trust.payload.policy, {
    ...quorum,
    issuedAt: [],
    now: io.clock.now(),
  });
  const [first] = violations;
  if (!first) return;
  throw new BreakglassError(
    'POLICY_REFUSED',
    violations.length === 1 ? first.message : `the request breaks ${violations.length} rules of the policy`,
    {
      hint: 'mend these and run it again. No request was written.',
      details: violations.map(({ rule, message }) => ({ name: rule, message })),
    },
  );
}

async function makeHolder(
  how: string,
  fields: RequestFields,
  options: RequestCommandFlags,
  terminal: Terminal | undefined,
  io: CommandIo,
): Promise<PublicJwk | null> {
  if (how === 'none') return null;
  if (how !== 'new') return readHolder(how);
  const passphrase = await holderPassphrase(options, terminal);
  const key = newHolderKey();
  try {
    const path = `${fields.subject}-${fields.incident}.holder.${passphrase ? 'age' : 'p8'}`.replaceAll('/', '-');
    await writePersonalKey(path, key, passphrase);
    io.note(`wrote ${path}: the token works only together with it. Keep it on your own machine.`);
    return key.jwk;
  } finally {
    wipe(key.pkcs8, ...(passphrase ? [passphrase] : []));
  }
}

async function readHolder(path: string): Promise<PublicJwk> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(readInput(path, { what: 'the holder key', maxBytes: 8192 })).toString('utf8'));
  } catch (cause) {
    if (cause instanceof BreakglassError) throw cause;
    throw notPublicJwk(path, cause);
  }
  const jwk = conformOrUndefined(publicJwk, value);
  if (!jwk) throw notPublicJwk(path);
  return loadPublicKey(jwk, 'the holder').jwk;
}

function notPublicJwk(path: string, cause?: unknown): BreakglassError {
  return new BreakglassError('BAD_INPUT', `${path} is not a public JWK of P-256 or Ed25519`, {
    hint: 'it holds exactly kty, crv, x (and y), and no private part. No request was written.',
    cause,
  });
}

async function holderPassphrase(
  options: RequestCommandFlags,
  terminal: Terminal | undefined,
): Promise<Uint8Array | undefined> {
  if (options.unsealed) return undefined;
  const passphrase = await passphraseSource(options.passphraseFd, terminal, 'choose')('the holder key');
  if (passphrase && passphrase.length > 0) return passphrase;
  throw new BreakglassError('NO_TERMINAL', 'the new holder key has no passphrase', {
    hint: 'type one, give --passphrase-fd N, or --unsealed to keep it in a file that only you can read. No request was written.',
  });
}
