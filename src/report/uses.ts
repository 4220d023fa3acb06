import type { Reconciliation, UsesVerdict } from '../use/reconcile.ts';
import type { ReconcileFinding } from '../use/reconcile-findings.ts';
import type { UseLogFacts } from '../use/use-chain.ts';

/** The member `uses` of `audit-check --json`. */
export function usesJson({ verdict, revocations, logs, uses, allowed, denied, findings }: Reconciliation) {
  return {
    verdict,
    revocations,
    logs: logs.map(({ trail, genesis, key, keyKnown, head, closed, omitted }) => ({
      trail,
      name: genesis?.name ?? null,
      trust: genesis?.trust ?? null,
      audience: genesis?.audience ?? null,
      key: key?.kid ?? null,
      keyKnown,
      head,
      closed,
      omitted: [...omitted].map(([code, count]) => ({ code, count })),
    })),
    uses,
    allowed,
    denied,
    findings,
  };
}

/** What was done, beside what was issued: the verdict in plain words, the logs, what was found, and what to do. */
export function describeUses(view: Reconciliation): string[] {
  const { verdict, logs, uses, allowed, denied, findings } = view;
  const names = new Map(logs.map((log) => [log.trail, nameOf(log)]));
  return [
    headlines[verdict],
    '',
    ...logs.map((log) => `  log ${nameOf(log).padEnd(14)}  ${describeLog(log)}`),
    `  uses            ${uses}: ${allowed} allowed, ${denied} denied`,
    `  revocations     ${view.revocations === 'judged' ? 'compared' : 'NOT compared: give them with --revocations'}`,
    ...(findings.length > 0
      ? ['', 'Findings of the uses:', ...findings.map((found) => findingLine(found, names))]
      : []),
    '',
    advice[verdict],
    'A use log does not show that its own end was cut off: compare its last line with the second copy.',
  ];
}

const headlines: Readonly<Record<UsesVerdict, string>> = {
  misuse: 'MISUSE: a token was used as it was not issued to be.',
  tampered: 'USE LOG TAMPERED: a use log was changed after it was written.',
  incomplete: 'USES INCOMPLETE: a part of what was done cannot be compared.',
  complete: 'USES COMPLETE: every use in these logs is of a token that this trail issued, and within it.',
};

const advice: Readonly<Record<UsesVerdict, string>> = {
  misuse: 'Revoke what is still valid, keep logs and media as they are, and ask the people of the incident.',
  tampered: 'Keep the logs as they are, and compare them with the second copy.',
  incomplete: 'Get the missing files of the log, its second copy, or the key of the guard from its owner.',
  complete: 'Uses at services whose logs are not here were not compared.',
};

function nameOf({ trail, genesis }: UseLogFacts): string {
  return genesis?.name ?? trail.slice(0, 8);
}

function describeLog({ genesis, keyKnown, head, closed }: UseLogFacts): string {
  const parts = [
    genesis ? (genesis.audience ?? 'any audience') : 'its beginning is not at hand',
    head ? `to line ${head.seq} of ${head.time}` : 'no line that counts',
    ...(keyKnown ? [] : ['KEY NOT KNOWN']),
    closed ? 'closed' : 'not closed',
  ];
  return parts.join(', ');
}

function findingLine(found: ReconcileFinding, names: ReadonlyMap<string, string>): string {
  const { severity, code, log, seq, at, last, jti, count, message } = found;
  const where = [
    ...(at === null ? [] : [at]),
    ...(jti === null ? [] : [`token ${jti}`]),
    ...(log === null ? [] : [`log ${names.get(log) ?? log.slice(0, 8)}${seq === null ? '' : `, line ${seq}`}`]),
  ];
  const times =
    count > 1 && last !== null && last !== at
      ? ` (${count} times, the last at ${last})`
      : count > 1
        ? ` (${count} times)`
        : '';
  return `  ${severity.padEnd(10)}  ${code}  ${where.length > 0 ? `${where.join(', ')}: ` : ''}${message}${times}`;
}
