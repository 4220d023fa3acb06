import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import type { PublicKey } from '../key/public.ts';
import { useLogFiles } from '../machine/use-log-files.ts';
import { mediumRoot, recordNameSeq, trailFolder } from '../trail/layout.ts';
import { auditCheck } from './audit-check.ts';
import { dropLine, flipByte } from './drill-faults.ts';
import { servicesOf } from './drill-return.ts';
import { drillFailed, type Sandbox, stateOf } from './drill-sandbox.ts';
import type { UsesOptions } from './reconcile-uses.ts';

/** The end of a drill: what an auditor makes of it. */

/** Every record, and the end. */
export async function checkTrail(sandbox: Sandbox): Promise<string> {
  const report = await audit(sandbox, sandbox.media);
  sandbox.records = report.records;
  sandbox.complete = report.verdict === 'intact' && report.records === localRecords(sandbox);
  if (!sandbox.complete)
    throw drillFailed(`the trail is ${report.verdict}: ${report.findings.map(({ message }) => message).join('; ')}`);
  return `${report.records} records on ${sandbox.media.length} media, intact`;
}

/** What the services recorded, beside what was issued: every use as it should be, and a log that lost a record is told. */
export async function checkUses(sandbox: Sandbox): Promise<string> {
  const services = servicesOf(sandbox);
  const keys = services.keys();
  await services.end();
  const logs = services.useLogs();
  const uses = await auditUses(sandbox, logs, keys);
  if (uses?.verdict !== 'complete')
    throw drillFailed(`the use logs are ${uses?.verdict}: ${uses?.findings.map(({ message }) => message).join('; ')}`);
  const [first = '', ...others] = logs;
  const cut = join(sandbox.options.sandbox, 'uses-cut.jws');
  dropLine(first, cut);
  const without = await auditUses(sandbox, [cut, ...others], keys);
  const found = without?.findings.find(({ severity }) => severity === 'incomplete');
  sandbox.refusals.push({ name: 'use log with a removed record', code: found?.code ?? null });
  rmSync(cut);
  return `${uses.uses} uses at ${logs.length} services, ${uses.denied} of them denied, each as it was issued`;
}

/** Copies that somebody has changed. */
export async function catchTampering(sandbox: Sandbox): Promise<string> {
  const spoilt = join(sandbox.options.sandbox, 'spoilt');
  const seq = sandbox.minted?.record.seq ?? 1;
  const faults: readonly (readonly [string, (dir: string) => void])[] = [
    ['a changed byte', (dir) => flipByte(recordPath(dir, seq, sandbox))],
    ['a removed record', (dir) => rmSync(recordPath(dir, seq, sandbox))],
    ['a cut tail', (dir) => cutTail(dir, seq, sandbox)],
  ];
  for (const [name, spoilCopy] of faults) {
    cpSync(sandbox.media[0] ?? '', spoilt, { recursive: true });
    spoilCopy(spoilt);
    const { verdict } = await audit(sandbox, [spoilt]);
    sandbox.refusals.push({ name: `copy with ${name}`, code: verdict === 'tampered' ? 'TRAIL_TAMPERED' : null });
    rmSync(spoilt, { recursive: true });
  }
  return `${faults.length} of ${faults.length} caught`;
}

/** As an auditor would: with the trust file, and the head code that stands on the custodians' cards. */
function audit(sandbox: Sandbox, paths: readonly string[], uses?: UsesOptions) {
  const head = fingerprintOfDigest(sandbox.headSha256, headWordCount).words.join(' ');
  return auditCheck({
    paths,
    trust: stateOf(sandbox).trust,
    head,
    state: undefined,
    seen: [],
    ...(uses ? { uses } : {}),
  });
}

/** The use logs beside the trail, with the denials of the commander. */
async function auditUses(sandbox: Sandbox, logs: readonly string[], keys: readonly PublicKey[]) {
  const list = join(sandbox.options.sandbox, 'revocations.jws');
  const revocations = [{ name: list, bytes: readFileSync(list) }];
  return (await audit(sandbox, sandbox.media, { files: useLogFiles(logs), keys, revocations })).uses;
}

function localRecords(sandbox: Sandbox): number {
  return readdirSync(stateOf(sandbox).trailDir).filter((name) => recordNameSeq(name) !== undefined).length;
}

function recordPath(medium: string, seq: number, sandbox: Sandbox): string {
  const name = `${String(seq).padStart(8, '0')}.JWS`;
  return join(medium, mediumRoot, trailFolder(stateOf(sandbox).trust.id), name);
}

function cutTail(medium: string, from: number, sandbox: Sandbox): void {
  const folder = join(medium, mediumRoot, trailFolder(stateOf(sandbox).trust.id));
  for (const name of readdirSync(folder)) {
    if ((recordNameSeq(name) ?? -1) >= from || /^C\d/.test(name)) rmSync(join(folder, name));
  }
}
