import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { formatTime } from '../../src/base/time.ts';
import { sandboxPeople } from '../../src/ceremony/drill-people.ts';
import { mint } from '../../src/ceremony/mint.ts';
import { openState } from '../../src/machine/state.ts';
import { realHost } from '../../src/medium/real-host.ts';
import { noSignals } from '../../src/terminal/signals.ts';
import type { Request } from '../../src/trust/request.ts';
import { goodShares, type Scene, writeRequest } from './scene.ts';

/** Mints in this process by a clock that is `seconds` ahead (or, negative, behind); resolves with the token. */
export async function mintAtOtherTime(scene: Scene, seconds: number): Promise<string> {
  const clock = { now: () => Math.floor(Date.now() / 1000) + seconds };
  const written = await writeRequest(scene);
  const request = JSON.parse(readFileSync(scene.path(written.file), 'utf8')) as Request;
  const cards = goodShares.map((file) => new Uint8Array(readFileSync(scene.path(file))));
  let token = '';
  await mint(
    {
      state: openState(scene.path('state')),
      mode: 'production',
      mediaPaths: [scene.path('a'), scene.path('b')],
      mediaRule: 'fixed-allowed',
      startsInSeconds: 0,
      renews: null,
      revocations: [],
      reviews: [],
      killDir: scene.dir,
      preflight: { mode: 'sandbox', checks: [] },
      anomalies: [],
    },
    {
      clock,
      random: (length) => randomBytes(length),
      host: realHost,
      signals: noSignals,
      people: sandboxPeople(cards, () => {}),
      request: async () => ({ ...request, createdAt: formatTime(clock.now()) }),
      elapsedMs: () => 0,
      prepareDelivery: () => {},
      deliver: async ([released = '']) => {
        token = released;
        return 'stdout';
      },
      note: () => {},
    },
  );
  return token;
}
