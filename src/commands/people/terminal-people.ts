import { BreakglassError, errorExits, isBreakglassError } from '../../base/errors.ts';
import { formatTime } from '../../base/time.ts';
import { parseWords } from '../../base/words.ts';
import type { Panel, Progress, QuorumPeople } from '../../ceremony/people.ts';
import { headPromptWordCount } from '../../key/fingerprint.ts';
import { monotonicMilliseconds } from '../../machine/clock.ts';
import { isShare } from '../../share/card.ts';
import { wrap } from '../../terminal/layout.ts';
import { askText, confirmKey } from '../../terminal/prompts.ts';
import { renderPanel } from '../../terminal/screen.ts';
import { readPassphrase } from '../../terminal/secret-reader.ts';
import { askShare, type ShareEntry } from '../../terminal/share-prompt.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { type PassphraseSource, readShareFile } from './share-files.ts';

const inactivitySeconds = 600;
const ceremonySeconds = 3600;

export interface TerminalPeopleOptions {
  /** Share files that were named on the command line: taken before anybody is asked. */
  readonly shareFiles: readonly string[];
  /** From `--passphrase-fd`; undefined: asked at the terminal. */
  readonly passphrases: PassphraseSource | undefined;
}

/** The quorum at a terminal. The inactivity timeout restarts at each accepted share; an hour bounds it all. */
export function terminalPeople(terminal: Terminal, options: TerminalPeopleOptions): QuorumPeople {
  const deadline = startDeadline();
  const files = [...options.shareFiles];
  const passphrases: PassphraseSource =
    options.passphrases ?? ((what) => readPassphrase(terminal, `Passphrase of ${what}:`, deadline));
  let refusal: string[] = [];
  return {
    headCode: async () => {
      const validate = (text: string) =>
        text === '' || (parseWords(text)?.length ?? 0) >= headPromptWordCount
          ? undefined
          : 'three words of the card, or just Enter';
      const typed = await askText(terminal, 'First three words of the head code on one card (Enter: no card at hand)', {
        validate,
      });
      return typed === '' ? null : typed;
    },
    confirmClock: async (now) => {
      if (await confirmKey(terminal, `The clock says ${formatTime(now)}. Does a watch say the same (in UTC)?`))
        return 'people';
      throw new BreakglassError('CLOCK_DIFFERS', 'the clock of this machine is not right', {
        hint: 'set it (date -u -s "2026-01-31 23:59:59") and run the same command again. Nothing was signed.',
      });
    },
    confirmRequest: async (panel) => {
      terminal.clear();
      terminal.write(renderRequest(panel, terminal));
      const agreed = await confirmKey(terminal, panel.question);
      deadline.restart();
      if (agreed) return;
      throw new BreakglassError('CONFIRMATION_DIFFERS', 'the request was not confirmed', {
        hint: 'have the responder read the words again, or write a new request. Nothing was signed.',
      });
    },
    nextShare: async (panel, progress) => {
      for (;;) {
        const file = files.shift();
        terminal.clear();
        terminal.write(renderRequest(panel, terminal));
        const entry: ShareEntry =
          file === undefined
            ? await askShare(terminal, {
                heading: [describeProgress(progress)],
                status: refusal,
                cardWords: progress.cardWords,
                deadline,
                fits: isShare,
              })
            : { kind: 'file', path: file };
        if (entry.kind === 'typed') return entry.bytes;
        try {
          return await readShareFile(entry.path, passphrases);
        } catch (error) {
          if (!isBreakglassError(error) || errorExits[error.code] === 'aborted') throw error;
          refusal = [`Refused: ${error.message}.`];
        }
      }
    },
    refused: async (error, slip) => {
      refusal = [`Refused: ${error.message}.`, error.hint];
      if (!slip) return 'again';
      terminal.write(`\n${error.message}.\nThe card says: ${slip.meant}\n`);
      const take = await confirmKey(terminal, 'Look at the card: does it say so?', deadline);
      if (take) refusal = [];
      return take ? 'take' : 'again';
    },
    accepted: (label, progress) => {
      deadline.restart();
      refusal = [`Accepted: ${label}.`];
      if (progress.missing === 0) {
        terminal.clear();
        terminal.write(`Accepted: ${label}. The quorum is complete: ${progress.given.join(', ')}.\n`);
      }
    },
    extraShare: async (why, { given, waitingFor }) => {
      const told = [
        ...refusal,
        `Shares of ${given.join(', ')}: enough for the key. But ${why}, of ${waitingFor.join(' or ')}.`,
        'If nobody else can come, it goes on without, and the record says so.',
      ];
      refusal = [];
      terminal.clear();
      terminal.write(`${told.flatMap((text) => wrap(text, terminal.columns - 1)).join('\n')}\n`);
      const nobody = await confirmKey(terminal, 'Do you all confirm that nobody else can come?', deadline);
      deadline.restart();
      return nobody ? 'nobody' : 'comes';
    },
  };
}

function renderRequest(panel: Panel, terminal: Terminal): string {
  return renderPanel(
    {
      title: panel.title,
      trust: `${panel.trustName}: ${panel.trustFingerprint.words.join(' ')}`,
      rows: panel.rows,
      words: panel.fingerprint.words,
      warnings: panel.anomalies.map(({ code, detail }) => `${code}: ${detail}`),
    },
    terminal,
  );
}

function describeProgress({ given, missing, waitingFor }: Progress): string {
  const have = given.length === 0 ? 'No share yet' : `Shares of ${given.join(', ')}`;
  return `${have}; ${missing} more needed, of ${waitingFor.join(', ')}. To give yours, you confirm what stands above.`;
}

function startDeadline() {
  const start = monotonicMilliseconds();
  let last = start;
  return {
    restart: () => {
      last = monotonicMilliseconds();
    },
    secondsLeft: () => {
      const now = monotonicMilliseconds();
      return Math.floor(Math.min(last + inactivitySeconds * 1000 - now, start + ceremonySeconds * 1000 - now) / 1000);
    },
  };
}
