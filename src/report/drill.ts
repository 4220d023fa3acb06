import { describeDuration } from '../base/time.ts';

export interface DrillView {
  readonly ok: boolean;
  readonly timeToAccessMs: number;
  readonly targetMs: number;
  readonly timeToKillMs: number | null;
  readonly killTargetMs: number;
  readonly rollback: { readonly tokenDenied: boolean; readonly oldKeyDenied: boolean; readonly trailComplete: boolean };
  readonly phases: readonly {
    readonly name: string;
    readonly ms: number;
    readonly ok: boolean;
    readonly detail: string;
  }[];
  readonly trail: { readonly records: number; readonly complete: boolean };
  readonly refusals: readonly { readonly name: string; readonly code: string | null }[];
}

/** The table of a drill: phases with their times, what was refused, and how that compares with the policy. */
export function describeDrill(report: DrillView, whose: 'machine' | 'people' = 'machine'): string {
  const phases = report.phases.map(
    ({ name, ms, ok, detail }) =>
      `  ${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(16)} ${String(ms).padStart(6)} ms  ${detail}`,
  );
  const refusals = report.refusals.map(({ name, code }) =>
    `  ${code === null ? 'NOT REFUSED' : 'refused'}  ${name.padEnd(38)} ${code ?? ''}`.trimEnd(),
  );
  const { rollback } = report;
  return [
    'Phases',
    ...phases,
    'Refused, as it should be',
    ...refusals,
    'Result',
    `  time to access   ${compared(report.timeToAccessMs, report.targetMs, whose)}`,
    `  time to kill     ${compared(report.timeToKillMs, report.killTargetMs, 'machine')}`,
    `  way back         killed tokens ${done(rollback.tokenDenied, 'refused', 'ACCEPTED')}, old key ${done(rollback.oldKeyDenied, 'refused', 'ACCEPTED')}`,
    `  trail            ${report.trail.records} records, ${report.trail.complete ? 'complete and intact' : 'NOT COMPLETE'}`,
    `  drill            ${report.ok ? 'passed' : 'FAILED'}`,
    '',
  ].join('\n');
}

function compared(ms: number | null, targetMs: number, whose: 'machine' | 'people'): string {
  const allowed = `the policy allows ${describeDuration(targetMs / 1000)}`;
  if (ms === null) return `NOT MEASURED; ${allowed}`;
  const what = whose === 'machine' ? 'of machine time' : 'of people at their cards';
  return `${ms} ms ${what}; ${allowed}: ${done(ms <= targetMs, 'met', 'MISSED')}`;
}

function done(holds: boolean, yes: string, no: string): string {
  return holds ? yes : no;
}
