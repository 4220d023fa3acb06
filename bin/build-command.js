import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * What is imported only when it is needed, and is a file of its own: each such file that the others do not share keeps the rest in
 * few pieces, and a piece more is 0.7 ms more for Node.js to load. `mint` is run when every second counts.
 */
const ownFiles = {
  './mint-run.ts': './mint.js',
  'age-encryption': './age.js',
  '@inquirer/prompts': './prompts.js',
};

/** Bundles the command into `dir`: breakglass.js, mint.js, what they load when it is needed, and SHA256SUMS over them. */
export async function buildCommand(dir) {
  const common = {
    absWorkingDir: root,
    outdir: dir,
    bundle: true,
    // What `verify --help` does not need is in chunks that it does not read.
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    define: { BREAKGLASS_VERSION: JSON.stringify(version) },
    // Some packages are CommonJS and ask for Node's own modules by require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
    },
    plugins: [withoutChildProcesses(), withOwnFiles()],
    // Comments are in src/; names stay, for a stack trace that can be read.
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  };
  await build({ ...common, entryPoints: { breakglass: 'src/cli.ts' }, chunkNames: 'chunk-[hash]' });
  await build({ ...common, entryPoints: { mint: 'src/commands/mint-run.ts' }, chunkNames: 'mint-[hash]' });
  await build({ ...common, entryPoints: { age: 'age-encryption' }, splitting: false });
  await build({ ...common, entryPoints: { prompts: '@inquirer/prompts' }, splitting: false });
  writeChecksums(dir);
}

function withOwnFiles() {
  return {
    name: 'with-own-files',
    setup({ onResolve }) {
      onResolve({ filter: /^(?:age-encryption|@inquirer\/prompts|\.\/mint-run\.ts)$/ }, ({ path, kind }) =>
        kind === 'dynamic-import' ? { path: ownFiles[path], external: true } : undefined,
      );
    },
  };
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
