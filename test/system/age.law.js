// The files that we seal open with the program `age`, and those that it seals open here.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { law } from './law.js';
import { commandLine, newWorld } from './world.js';

const passphrase = 'correct horse battery staple';

law('a share file that age sealed under a passphrase opens with it', async () => {
  const world = await newWorld('first');
  const { dir } = world;
  await atTerminal('age', ['-p', '-a', '-o', 'alice.share.age', 'cards/alice.share'], dir);
  const [command, ...args] = commandLine(
    'share',
    'check',
    '--share',
    'alice.share.age',
    '--trust',
    'out/trust.jws',
    '--passphrase-fd',
    '0',
    '--json',
  );
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: dir, input: `${passphrase}\n`, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(JSON.parse(stdout).label, 'alice');
  world.close();
  return 'share check says it is the card of alice';
});

law('a holder key that we sealed under a passphrase opens with age', async () => {
  const world = await newWorld('first');
  const { dir } = world;
  const fields = [
    '--incident',
    'inc-age',
    '--role',
    'db-admin',
    '--circumstance',
    'outage',
    '--reason',
    'does the program age open it',
  ];
  const [command, ...args] = commandLine(
    'request',
    '--trust',
    'out/trust.jws',
    ...fields,
    '--holder',
    'new',
    '--passphrase-fd',
    '0',
    '--json',
  );
  const { status, stderr } = spawnSync(command, args, { cwd: dir, input: `${passphrase}\n`, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const sealed = /wrote (\S+\.holder\.age)/.exec(stderr)?.[1];
  assert.ok(sealed, stderr);
  await atTerminal('age', ['-d', '-o', 'holder.p8', sealed], dir);
  const text = execFileSync('openssl', ['pkey', '-inform', 'DER', '-in', 'holder.p8', '-noout', '-text'], {
    cwd: dir,
    encoding: 'utf8',
  });
  assert.match(text, /prime256v1|P-256/);
  world.close();
  return `${sealed} holds a P-256 key`;
});

law('a token for an age recipient opens with its identity and is the one on the record', async () => {
  const world = await newWorld('first');
  const { dir } = world;
  execFileSync('age-keygen', ['-o', 'identity.txt'], { cwd: dir, stdio: 'ignore' });
  const recipient = execFileSync('age-keygen', ['-y', 'identity.txt'], { cwd: dir, encoding: 'utf8' }).trim();
  const fields = [
    '--incident',
    'inc-age',
    '--role',
    'db-admin',
    '--circumstance',
    'outage',
    '--reason',
    'does the program age open it',
  ];
  const made = spawnSync(
    ...spawnable(
      commandLine(
        'request',
        '--trust',
        'out/trust.jws',
        ...fields,
        '--recipient',
        recipient,
        '--out',
        'r.json',
        '--json',
      ),
      dir,
    ),
  );
  const words = JSON.parse(made.stdout).fingerprint.words.join(' ');
  const shares = ['alice', 'bob', 'carol'].flatMap((label) => ['--share', join('cards', `${label}.share`)]);
  const clock = `${new Date().toISOString().slice(0, 19)}Z`;
  const flags = [
    '--request',
    'r.json',
    '--state',
    'state',
    '--medium',
    'a',
    '--medium',
    'b',
    '--allow-fixed',
    ...shares,
    '--confirm',
    words,
    '--clock',
    clock,
    '--head',
    'none',
  ];
  const minted = spawnSync(...spawnable(commandLine('mint', ...flags, '--out', 'token.age', '--json'), dir));
  assert.equal(minted.status, 0, minted.stderr);
  const token = execFileSync('age', ['-d', '-i', 'identity.txt', 'token.age'], { cwd: dir, encoding: 'utf8' }).trim();
  writeFileSync(join(dir, 'token'), token);
  const verified = spawnSync(
    ...spawnable(
      commandLine(
        'verify',
        'token',
        '--trust',
        'out/trust.jws',
        '--audience',
        'https://db.prod.example.com',
        '--without-revocations',
      ),
      dir,
    ),
  );
  assert.equal(verified.status, 0, verified.stdout);
  assert.ok(!readFileSync(join(dir, 'token.age')).includes(Buffer.from(token.slice(0, 40))), 'the file is sealed');
  world.close();
  return 'sealed in the file, valid when opened';
});

function spawnable([command, ...args], cwd) {
  return [command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }];
}

/** Runs a program that asks its terminal for the passphrase, once or twice. */
async function atTerminal(program, args, cwd) {
  const terminal = spawn(program, args, { cols: 80, rows: 24, cwd, env: process.env });
  let shown = '';
  terminal.onData((text) => {
    shown += text;
    if (/passphrase[^\n]*: ?$/i.test(shown)) {
      shown += '\n';
      terminal.write(`${passphrase}\r`);
    }
  });
  const { exitCode } = await new Promise((resolve) => terminal.onExit(resolve));
  assert.equal(exitCode, 0, shown);
}
