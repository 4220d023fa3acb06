// A mint that stands still while the second share is awaited: the moment at which people pull sticks.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, start } from './world.js';

/**
 * Starts a mint whose second share comes through a pipe, and resolves when it waits there: media, trail and request are checked, the
 * folders of the media are held open. `giveShare` lets it go on.
 */
export async function heldMint(world, number, options = {}) {
  const pipe = join(world.dir, `pipe-${number}`);
  execFileSync('mkfifo', [pipe]);
  const child = start(world.dir, commandLine(...world.mintArguments(number, { ...options, shares: ['alice', pipe] })));
  let over = false;
  child.ended.then(() => {
    over = true;
  });
  const descriptor = await openWhenRead(pipe, () => over);
  const giveShare = () => {
    if (descriptor === undefined) return;
    writeSync(descriptor, readFileSync(join(world.dir, 'cards/bob.share')));
    closeSync(descriptor);
  };
  if (descriptor === undefined) throw new Error(`mint ended before the second share\n${(await child.ended).stderr}`);
  return { ...child, giveShare };
}

// Opening a pipe for writing fails with ENXIO until somebody reads it.
async function openWhenRead(pipe, isOver) {
  while (!isOver()) {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (error.code !== 'ENXIO') throw error;
      await sleep(5);
    }
  }
  return undefined;
}
