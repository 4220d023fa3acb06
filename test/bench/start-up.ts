import { join } from 'node:path';
import { medianTimes, nodeAlone, runNode } from './measure.ts';
import { type Measurement, metric } from './metric.ts';

/** How long a person waits for the help. */
export const startUp: Measurement = async ({ root }) => {
  const help = () => void runNode([join(root, 'bin/breakglass.js'), 'verify', '--help']);
  const [time = 0, node = 0] = await medianTimes([help, nodeAlone], 41);
  return [
    metric('start-up of verify --help', time, 'ms', {
      against: { value: node, what: 'node -e 0' },
      goal: { sign: '<=', limit: 2 },
    }),
  ];
};
