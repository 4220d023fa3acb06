import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Bundles the command into `dir`: breakglass.js, chunks that load when they are needed, and SHA256SUMS over them. */
export async function buildCommand(dir) {
  await build({
    absWorkingDir: root,
    entryPoints: { breakglass: 'src/cli.ts' },
    outdir: dir,
    bundle: true,
    // What `verify --help` does not need is in chunks that it does not read.
    splitting: true,
    chunkNames: 'chunk-[hash]',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    define: { BREAKGLASS_VERSION: JSON.stringify(version) },
    // Some packages are CommonJS and ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
    plugins: [withoutChildProcesses()],
    // Comments are in src/; names stay, for a stack trace that can be read.
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  writeChecksums(dir);
}

// commander asks for child processes for commands in files of their own. There are none, so the command cannot start any.
function withoutChildProcesses() {
  return {
    name: 'without-child-processes',
    setup({ onResolve, onLoad }) {
      // A nothing of its own for each: one that is shared would be a file more to read.
      onResolve({ filter: /^(node:)?child_process$/ }, ({ importer }) => ({ path: importer, namespace: 'nothing' }));
      onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
    },
  };
}

// The identity of the program in every record is the SHA-256 of this file: sha256sum -c checks the rest.
function writeChecksums(dir) {
  const lines = readdirSync(dir)
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(dir, name)))
          .digest('hex')}  ${name}\n`,
    );
  writeFileSync(join(dir, 'SHA256SUMS'), lines.join(''));
}
