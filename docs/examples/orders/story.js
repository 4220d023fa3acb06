// The story, from an ordinary refusal to the last word of the auditor: `npm run example`, or `npm run --silent example -- --json`.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { audit, killIncident, makeTrust, openIncident, proofOf } from './people.js';
import { startOrders } from './service.js';

const folder = mkdtempSync(join(tmpdir(), 'breakglass-example-'));
const incident = 'inc-1';
const seen = {};
let service;
process.once('SIGINT', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(130);
});
try {
  say('Before: three custodians get their cards, and the service gets the trust file and the list of what is denied.');
  await makeTrust(folder);
  mkdirSync(join(folder, 'service'));
  for (const name of ['trust.jws', 'revocations.jws']) cpSync(join(folder, 'out', name), join(folder, 'service', name));
  service = await startOrders(join(folder, 'service'));
  const { origin } = service;
  const orders = `${origin}/orders`;

  const normal = await status(orders, { headers: { 'x-api-key': 'key-of-dana' } });
  seen.normalUserDenied = normal === 403;
  say(`dana, by her own account:                   ${normal}`);

  const asked = performance.now();
  const { key, head } = await openIncident(folder, incident);
  const fields = (method, url) => proofOf(folder, key, method, url);
  const opened = await status(orders, { headers: await fields('GET', orders) });
  const accessMs = since(asked);
  seen.openedScope = opened === 200;
  say(`dana, with the token and proof of her key:  ${opened}   ${accessMs} ms after she asked alice and bob`);

  const outside = await status(orders, { method: 'DELETE', headers: await fields('DELETE', orders) });
  seen.outsideScopeDenied = outside === 403;
  say(`the same, beyond what the token opens:      ${outside}`);

  const { authorization } = lowerCased(await fields('GET', orders));
  const stolen = await status(orders, { headers: { authorization: authorization.replace('DPoP', 'Bearer') } });
  seen.stolenTokenDenied = stolen === 401;
  say(`a thief, with the token alone:              ${stolen}`);

  const feed = await connect(`${origin.replace('http', 'ws')}/feed`, await fields('GET', `${origin}/feed`));
  say('dana watches the live feed.');
  const next = await fields('GET', orders);

  const killing = performance.now();
  const closed = new Promise((resolve) => feed.on('close', (code) => resolve({ code, ms: since(killing) })));
  await killIncident(folder, incident, 'service/revocations.jws');
  const socket = await within(10_000, closed);
  seen.killMs = socket?.ms ?? null;
  seen.socketClosed = socket?.code === 4401;
  say(`erin kills the incident; the feed closes:   ${socket?.code}  ${seen.killMs} ms after she began, her passphrase included`);

  const refused = await status(orders, { headers: next });
  const deniedMs = since(killing);
  seen.deniedAfterKill = refused === 401;
  say(`dana again, with a fresh proof:             ${refused}  ${deniedMs} ms after it`);
  await service.close();

  const report = await audit(folder, head);
  seen.trail = { verdict: report.verdict, complete: report.uses.verdict === 'complete' };
  say(`the auditor: the trail is ${report.verdict}, the use log is ${report.uses.verdict}`);
  for (const { code, message } of report.uses.findings) say(`  ${code}: ${message}`);
} finally {
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
}

const { killMs, trail, ...held } = seen;
const good = Object.values(held).every(Boolean) && killMs !== null && trail?.verdict === 'intact' && trail.complete;
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ v: 1, ...seen })}\n`);
process.exitCode = good ? 0 : 1;

function say(line) {
  if (!process.argv.includes('--json')) process.stdout.write(`${line}\n`);
}

function since(started) {
  return Math.round(performance.now() - started);
}

async function status(url, options) {
  const response = await fetch(url, options);
  await response.arrayBuffer();
  return response.status;
}

function lowerCased(fields) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
}

async function connect(url, headers) {
  const socket = new WebSocket(url, { headers });
  await new Promise((resolve, reject) => socket.on('message', resolve).on('error', reject));
  return socket;
}

function within(ms, promise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref())]);
}
