// Builds dist/: the command as one bundle, modules and types for the library. Tests build into a folder of their own.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCommand } from './build-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = process.env.BREAKGLASS_DIST ?? join(root, 'dist');
const compiler = join(root, 'node_modules/typescript/bin/tsc');

rmSync(dist, { recursive: true, force: true });
await buildCommand(join(dist, 'command'));
const library = ['-p', join(root, 'tsconfig.library.json'), '--outDir', join(dist, 'library')];
execFileSync(process.execPath, [compiler, ...library], { stdio: 'inherit' });
