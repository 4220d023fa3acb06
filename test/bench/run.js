// Bundles the benchmark with the sources that it measures, as the command is bundled, and runs it in a directory of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
if (!existsSync(join(root, 'dist/command/breakglass.js'))) {
  process.stderr.write('breakglass: there is no dist/command to measure\nhint: npm run build\n');
  process.exit(2);
}
const dir = mkdtempSync(join(tmpdir(), 'breakglass-bench-'));
try {
  await build({
    absWorkingDir: root,
    entryPoints: { bench: 'test/bench/bench.ts', 'audit-child': 'test/bench/audit-child.ts' },
    outdir: join(dir, 'program'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  // It makes Node.js read a file of certificates at every start, which is nothing of ours.
  const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
  const args = [join(dir, 'program/bench.mjs'), root, dir, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 70;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
