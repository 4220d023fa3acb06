import { readFileSync } from 'node:fs';
import { auditCheck } from '../../src/ceremony/audit-check.ts';
import { openTrust } from '../../src/trust/trust-file.ts';

// A process of its own for each file: the peak of memory is one number a process.
const [path = '', trustPath = '', head = ''] = process.argv.slice(2);
const started = performance.now();
const begun = process.cpuUsage();
const trust = openTrust(readFileSync(trustPath));
const { verdict, records, findings } = await auditCheck({ paths: [path], trust, head, state: undefined, seen: [] });
const milliseconds = performance.now() - started;
const { user, system } = process.cpuUsage(begun);
const cpuMilliseconds = (user + system) / 1000;
const peakKiB = process.resourceUsage().maxRSS;
process.stdout.write(
  JSON.stringify({ verdict, records, milliseconds, cpuMilliseconds, peakKiB, findings: findings.slice(0, 3) }),
);
