// Runs the system tests: `node test/system/main.js [words of test names]`. Call it through run.sh.
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { registered } from './law.js';
import { closeWorlds } from './world.js';

const here = new URL('.', import.meta.url);
for (const name of readdirSync(here).sort()) if (name.endsWith('.law.js')) await import(new URL(name, here));

const wanted = process.argv.slice(2).join(' ');
const laws = registered.filter(({ name }) => name.includes(wanted));
const startedAt = Date.now();
const failures = [];
let next = 0;
await Promise.all(Array.from({ length: Math.max(2, cpus().length) }, work));
closeWorlds();

const seconds = Math.round((Date.now() - startedAt) / 1000);
for (const { name, error } of failures) say(`\nFAILED ${name}\n${error.stack}`);
say(`\n${seconds} s`);
say(`tests: ${laws.length - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length > 0 || laws.length === 0 ? 1 : 0);

async function work() {
  for (let law = laws[next++]; law; law = laws[next++]) {
    const { name, show } = law;
    try {
      const seen = await show();
      say(`ok      ${name}${seen ? ` · ${seen}` : ''}`);
    } catch (error) {
      failures.push({ name, error });
      say(`FAILED  ${name}`);
    }
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
