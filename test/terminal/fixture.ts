import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { wipe } from '../../src/base/bytes.ts';
import { BreakglassError } from '../../src/base/errors.ts';
import { askChoice, askNumber, askText, awaitEnter, confirmKey } from '../../src/terminal/prompts.ts';
import { readPassphrase } from '../../src/terminal/secret-reader.ts';
import { askShare, type ShareEntry } from '../../src/terminal/share-prompt.ts';
import { holdingTerminal, openTerminal, type Terminal } from '../../src/terminal/terminal.ts';

// A program that asks one thing at its terminal and writes what it got to a file: node fixture.mjs SCENARIO RESULT [PID]

const [scenario = '', resultFile = '', pidFile = ''] = process.argv.slice(2);
if (pidFile) writeFileSync(pidFile, String(process.pid));

const share = { heading: ['No share yet; 2 more needed.'], status: [], cardWords: 17, deadline: null };

const countdown = () => {
  let left = 62;
  return { secondsLeft: () => (left -= 0.8) };
};

const scenarios: Readonly<Record<string, (terminal: Terminal) => Promise<unknown>>> = {
  share: async (terminal) => describe(await askShare(terminal, share)),
  'share-twice': async (terminal) =>
    holdingTerminal(terminal, async () => {
      const first = describe(await askShare(terminal, share));
      terminal.write('first is in\n');
      await sleep(300);
      return [first, describe(await askShare(terminal, share))];
    }),
  'share-deadline': async (terminal) => describe(await askShare(terminal, { ...share, deadline: countdown() })),
  'passphrase-deadline': async (terminal) => text(await readPassphrase(terminal, 'Passphrase:', countdown())),
  'confirm-deadline': (terminal) => confirmKey(terminal, 'Does the card say so?', countdown()),
  held: (terminal) =>
    holdingTerminal(terminal, async () => {
      terminal.write('working\n');
      await sleep(500);
      try {
        return await confirmKey(terminal, 'Do the words agree?');
      } finally {
        terminal.write('writing it down\n');
        await sleep(500);
      }
    }),
  'share-idle': async (terminal) => {
    const entry = await askShare(terminal, share);
    if (entry.kind === 'typed') wipe(entry.bytes);
    terminal.write('handed in\n');
    await sleep(60_000);
  },
  'share-kept': async (terminal) => {
    const entry = await askShare(terminal, share);
    terminal.write('handed in\n');
    await sleep(60_000);
    return entry;
  },
  'passphrase-idle': async (terminal) => {
    wipe(await readPassphrase(terminal, 'Passphrase:'));
    terminal.write('handed in\n');
    await sleep(60_000);
  },
  passphrase: async (terminal) => text(await readPassphrase(terminal, 'Passphrase:')),
  'confirm-key': (terminal) => confirmKey(terminal, 'Do the words agree?'),
  'confirm-late': async (terminal) => {
    terminal.write('working\n');
    await sleep(500);
    return confirmKey(terminal, 'Do the words agree?');
  },
  enter: async (terminal) => {
    await awaitEnter(terminal, 'Next: bob. Press Enter. ');
    return 'entered';
  },
  text: (terminal) =>
    askText(terminal, 'Incident', { validate: (answer) => (answer === '' ? 'an incident has a name' : undefined) }),
  number: (terminal) => askNumber(terminal, 'Threshold', { least: 2, most: 16, initial: 3 }),
  choice: (terminal) => askChoice(terminal, 'Role', ['db-admin', 'net-admin']),
  mixed: async (terminal) => [
    await askText(terminal, 'Incident'),
    text(await readPassphrase(terminal, 'Passphrase:')),
    await askText(terminal, 'Reason'),
    await askText(terminal, 'Head code:'),
  ],
  throws: async (terminal) => {
    terminal.enterRaw();
    throw new TypeError('a bug');
  },
};

function describe(entry: ShareEntry): unknown {
  return entry.kind === 'typed' ? { typed: text(entry.bytes) } : entry;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

async function run(): Promise<unknown> {
  const terminal = await openTerminal();
  if (!terminal) return { terminal: 'none' };
  if (scenario === 'throws') return scenarios[scenario]?.(terminal);
  try {
    return { answer: await scenarios[scenario]?.(terminal) };
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    return { code: error.code, message: error.message };
  } finally {
    terminal.close();
  }
}

writeFileSync(resultFile, JSON.stringify(await run()));
