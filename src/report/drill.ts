import { describeDuration } from '../base/time.ts';

export interface DrillView {
  readonly ok: boolean;
  readonly timeToAccessMs: number;
  readonly targetMs: number;
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
export function describeDrill(report: DrillView): string {
  const phases = report.phases.map(
    ({ name, ms, ok, detail }) =>
      `  ${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(16)} ${String(ms).padStart(6)} ms  ${detail}`,
  );
  const refusals = report.refusals.map(({ name, code }) =>
    `  ${code === null ? 'NOT REFUSED' : 'refused'}  ${name.padEnd(38)} ${code ?? ''}`.trimEnd(),
  );
  const inTime = report.timeToAccessMs <= report.targetMs;
  return [
    'Phases',
    ...phases,
    'Refused, as it should be',
    ...refusals,
    'Result',
    `  time to access   ${report.timeToAccessMs} ms of machine time; the policy allows ${describeDuration(report.targetMs / 1000)}: ${inTime ? 'met' : 'MISSED'}`,
    `  trail            ${report.trail.records} records, ${report.trail.complete ? 'complete and intact' : 'NOT COMPLETE'}`,
    `  drill            ${report.ok ? 'passed' : 'FAILED'}`,
    '',
  ].join('\n');
}
