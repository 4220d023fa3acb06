import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dropLine, flipByte } from './drill-faults.ts';
import { servicesOf } from './drill-return.ts';
import { audit, auditUses, cutTail, drillFailed, localRecords, recordPath, type Sandbox } from './drill-sandbox.ts';

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
