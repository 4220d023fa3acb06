/** One line of the table. `value` and `against` have the same unit and come from the same run. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What `value` is compared with, measured beside it; null: with nothing. */
  readonly against: number | null;
  /** What `against` is, for people. */
  readonly baseline: string | null;
  /** `value` ÷ `against`. */
  readonly ratio: number | null;
  readonly goal: string | null;
  /** Null without a goal. */
  readonly ok: boolean | null;
}

export interface Baseline {
  readonly value: number;
  readonly what: string;
}

export interface Goal {
  readonly sign: '<=' | '>=';
  readonly limit: number;
}

/** What a measurement may use. */
export interface Bench {
  /** The working tree, with `dist/command` built. */
  readonly root: string;
  /** An empty directory of this measurement's own, removed at the end of the run. */
  readonly dir: string;
  /** The bundled program of test/bench/audit-child.ts. */
  readonly auditChild: string;
  /** `full` takes minutes more. */
  readonly extent: 'default' | 'full';
}

export type Measurement = (bench: Bench) => Promise<readonly Metric[]>;

export function metric(
  name: string,
  value: number,
  unit: string,
  options: { readonly against?: Baseline; readonly goal?: Goal } = {},
): Metric {
  const { against, goal } = options;
  const ratio = against ? value / against.value : null;
  return {
    name,
    value: rounded(value),
    unit,
    against: against ? rounded(against.value) : null,
    baseline: against?.what ?? null,
    ratio: ratio === null ? null : rounded(ratio),
    goal: goal ? `${goal.sign} ${goal.limit.toFixed(1)}` : null,
    ok: goal && ratio !== null ? reaches(ratio, goal) : null,
  };
}

function reaches(ratio: number, { sign, limit }: Goal): boolean {
  return sign === '<=' ? ratio <= limit : ratio >= limit;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
