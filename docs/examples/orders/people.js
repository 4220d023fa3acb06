// The people: they run the command as they would, only without a terminal.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../bin/breakglass.js', import.meta.url));
const policy = fileURLToPath(new URL('policy.toml', import.meta.url));
const passphrase = 'only for the example';

/** Runs `breakglass` in a folder and returns what it printed. Throws with what it said when it fails, unless `status` is expected. */
export async function breakglass(folder, args, { status = [0] } = {}) {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, HOME: folder },
  });
  child.stdio[3].on('error', () => {});
  child.stdio[3].end(`${passphrase}\n`);
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const ended = await new Promise((resolve) => child.on('close', resolve));
  if (!status.includes(ended)) throw new Error(`breakglass ${args[0]} ended with ${ended}\n${await stderr}`);
  return stdout;
}

async function text(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

const media = ['--medium', 'stick-a', '--medium', 'stick-b', '--allow-fixed'];

/** Before any emergency: three cards, of which two open; two media; one commander. */
export async function makeTrust(folder) {
  for (const name of ['cards', 'stick-a', 'stick-b']) mkdirSync(join(folder, name));
  const cards = ['alice', 'bob', 'carol'].flatMap((label) => ['--custodian', label, '--card-dir', `${label}=cards`]);
  const who = ['--name', 'Orders example', '--issuer', 'https://breakglass.example.com', '--policy', policy];
  const commander = ['--revoker', 'erin', '--passphrase-fd', '3'];
  await breakglass(folder, [
    ...['init', ...who, '--threshold', '2', ...cards, ...commander],
    ...[...media, '--state', 'state', '--out', 'out'],
  ]);
}

/** dana asks, alice and bob open: a token in `token`, which works only together with dana's key. */
export async function openIncident(folder, incident) {
  const trust = ['--trust', 'out/trust.jws'];
  const what = ['--subject', 'dana', '--role', 'orders-reader', '--circumstance', 'outage'];
  const why = ['--reason', 'the identity provider is down since noon'];
  const asked = await breakglass(folder, [
    ...['request', ...trust, '--incident', incident, ...what, ...why],
    ...['--holder', 'new', '--unsealed', '--out', 'request.json', '--json'],
  ]);
  const { fingerprint } = JSON.parse(asked);
  const shares = ['alice', 'bob'].flatMap((label) => ['--share', `cards/${label}.share`]);
  const clock = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const given = ['--confirm', fingerprint.words.join(' '), '--clock', clock, '--head', 'none'];
  const minted = await breakglass(folder, [
    ...['mint', '--request', 'request.json', '--state', 'state', ...media, ...shares, ...given],
    ...['--out', 'token', '--json'],
  ]);
  return { key: `dana-${incident}.holder.p8`, head: JSON.parse(minted).headCode.words.join(' ') };
}

/** What dana sends with one request: two fields, good for a minute and once. */
export async function proofOf(folder, key, method, url) {
  const printed = await breakglass(folder, ['proof', method, url, '--token', 'token', '--key', key]);
  const fields = printed.trimEnd().split('\n');
  return Object.fromEntries(fields.map((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 2)]));
}

/** erin ends it, in the list that the service watches. */
export async function killIncident(folder, incident, list) {
  await breakglass(folder, [
    ...['revoke', '--incident', incident, '--reason', 'the laptop of dana was stolen', '--list', list],
    ...['--key', 'out/erin.revoker.age', '--passphrase-fd', '3', '--trust', 'out/trust.jws', '--state', 'desk'],
  ]);
}

/** The auditor, afterwards: the trail, what the service recorded, and what was denied, held against each other. */
export async function audit(folder, head) {
  const key = await breakglass(folder, ['guard', 'key', 'service/uses.jws.key']);
  writeFileSync(join(folder, 'orders-1.jwk'), key);
  const uses = ['--uses', 'service/uses.jws', '--uses-key', 'orders-1.jwk', '--revocations', 'service/revocations.jws'];
  const trail = ['stick-a', 'stick-b', '--trust', 'out/trust.jws', '--head', head];
  return JSON.parse(await breakglass(folder, ['audit-check', ...trail, ...uses, '--json'], { status: [0, 1, 3] }));
}
