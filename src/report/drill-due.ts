import type { DrillDates } from '../trail/due.ts';

/** When the last drill was, and whether the next one is due; null: it cannot be decided. */
export function describeDrillDates({ last, next, state }: DrillDates, due: boolean | null, every: string): string {
  const answer = due === null ? 'NOT DECIDED' : due ? 'DUE' : 'NOT DUE';
  const why = state === 'ahead' ? ': the last drill is dated after now; compare the clocks' : '';
  return [
    `${answer}${why}`,
    `  last drill  ${last ?? 'never'}`,
    `  next by     ${next ?? 'unknown'}`,
    `  policy      every ${every}`,
    '',
  ].join('\n');
}
