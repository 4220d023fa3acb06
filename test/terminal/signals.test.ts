import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bundleProgram, finish, printed, startShell, temporaryFolder } from '../machine/child.ts';

const signalsModule = fileURLToPath(new URL('../../src/terminal/signals.ts', import.meta.url));
const folder = temporaryFolder();

/** Holds signals, says what it heard every 20 ms once there is something, and goes on until `ends` milliseconds after that. */
function program(ends: number): string {
  return bundleProgram(
    folder,
    `holder-${ends}`,
    `import { holdSignals, endIfAsked } from ${JSON.stringify(signalsModule)};
     const signals = holdSignals();
     console.log('holding');
     const timer = setInterval(async () => {
       const signal = await signals.arrived();
       if (!signal) return;
       clearInterval(timer);
       console.log('heard ' + signal);
       setTimeout(async () => {
         await endIfAsked(signals).catch((error) => console.log(error.code, error.message));
         signals.release();
         console.log('released');
         process.exitCode = 7;
       }, ${ends});
     }, 20);`,
  );
}

async function held(ends: number) {
  const child = startShell(`exec "$NODE" ${program(ends)}`);
  const run = finish(child);
  await printed(child, 'holding');
  return { child, run, heard: (signal: string) => printed(child, `heard ${signal}`) };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s is heard and does not end the process', async (signal) => {
  const { child, run } = await held(50);
  child.kill(signal);
  expect(await run).toMatchObject({
    status: 7,
    stdout: expect.stringContaining(`ABORTED stopped by ${signal}\nreleased`),
  });
});

test.each(['SIGINT', 'SIGTERM'] as const)('the second %s ends the process at once, with status 130', async (signal) => {
  const { child, run, heard } = await held(60_000);
  child.kill(signal);
  await heard(signal);
  await pause(700);
  child.kill(signal);
  const { status, stdout, stderr } = await run;
  expect({ status, released: stdout.includes('released') }).toEqual({ status: 130, released: false });
  expect(stderr).toMatch(new RegExp(`^breakglass: ended at once by a second ${signal}\\nhint: [^\\n]+\\n$`));
});

test('one request to end that is delivered twice, as timeout(1) and npm do, is one', async () => {
  const { child, run } = await held(200);
  child.kill('SIGTERM');
  await pause(50);
  child.kill('SIGTERM');
  expect(await run).toMatchObject({ status: 7, stdout: expect.stringContaining('released'), stderr: '' });
});

test('SIGHUP never cuts off what the first one began, however often it comes', async () => {
  const { child, run } = await held(1500);
  for (let times = 0; times < 3; times++) {
    child.kill('SIGHUP');
    await pause(600);
  }
  expect(await run).toMatchObject({ status: 7, stdout: expect.stringContaining('released'), stderr: '' });
});

test('what was sent before the asking is heard, after work that gave signals no turn', async () => {
  const source = bundleProgram(
    folder,
    'deaf',
    `import { holdSignals } from ${JSON.stringify(signalsModule)};
     const signals = holdSignals();
     process.kill(process.pid, 'SIGTERM');
     for (const end = Date.now() + 100; Date.now() < end; );
     const first = signals.received;
     console.log(first, await signals.arrived());
     signals.release();
     console.log(signals.received);`,
  );
  expect(await finish(startShell(`exec "$NODE" ${source}`))).toMatchObject({
    stdout: 'undefined SIGTERM\nundefined\n',
  });
});

test('released, a signal ends the process as it ends any program', async () => {
  const source = bundleProgram(
    folder,
    'released',
    `import { holdSignals } from ${JSON.stringify(signalsModule)};
     const [outer, inner] = [holdSignals(), holdSignals()];
     inner.release();
     inner.release();
     process.kill(process.pid, 'SIGTERM');
     console.log(await outer.arrived());
     outer.release();
     process.kill(process.pid, 'SIGTERM');
     setTimeout(() => console.log('still here'), 200);`,
  );
  const line = `"$NODE" ${source}; echo $?`;
  expect(await finish(startShell(line))).toMatchObject({ stdout: 'SIGTERM\n143\n' });
});
