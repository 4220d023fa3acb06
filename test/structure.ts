import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** The rooms, lowest first: a room imports from itself and from those before it (docs/assurance.md, design §12). */
export const rooms = [
  'base',
  'key',
  'trust',
  'revocation',
  'token',
  'trail',
  'use',
  'share',
  'terminal',
  'machine',
  'medium',
  'report',
  'guard',
  'ceremony',
  'commands',
  'cli',
] as const;
type Room = (typeof rooms)[number];

const pureRooms: readonly string[] = ['base', 'key', 'trust', 'revocation', 'token', 'trail', 'use', 'share'];
/** What a pure room may use of Node: hashing, verification and signing are functions of their arguments. */
const pureNodeModules: readonly string[] = ['node:crypto', 'node:buffer'];
/** The one file that may use the network (P8). Sockets come to a guard from its service; it makes none. */
const networkFile = 'guard/sources/source.ts';
const networkModules = /^node:(?:http|https|http2|net|tls|dgram|dns)(?:\/|$)/;
const network = /(?<![.\w])fetch\(|\b(?:WebSocket|EventSource|XMLHttpRequest)\(/;
const impure =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\brandomBytes\(|\brandomUUID\b|\bgetRandomValues\b|\brandomInt\b|\bgenerateKey|\bprocess\.|\bsetTimeout\b|\bconsole\./;

export interface SourceFile {
  /** Relative to `src`. */
  readonly path: string;
  readonly text: string;
}

export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** Every breach of the structure, as a sentence each. */
export function findBreaches(files: readonly SourceFile[]): string[] {
  const homes = new Map<string, Set<string>>();
  const breaches = files.flatMap((file) => checkFile(file, homes));
  const shared = [...homes].filter(([, users]) => users.size > 1);
  return [
    ...breaches,
    ...shared.map(
      ([name, users]) => `package ${name} is imported in more than one room: ${[...users].sort().join(', ')}`,
    ),
  ];
}

function checkFile({ path, text }: SourceFile, homes: Map<string, Set<string>>): string[] {
  const room = roomOf(path);
  if (!room) return [`${path} is in no room`];
  const imports = importsOf(text);
  const breaches = imports.flatMap((target) => checkImport(path, room, target, homes));
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
  const found = pureRooms.includes(room) ? impure.exec(code) : null;
  if (found) breaches.push(`${path} is in a pure room and uses ${found[0].trim()}`);
  if (path !== networkFile && network.test(code))
    breaches.push(`${path} uses the network, which is for ${networkFile}`);
  return breaches;
}

function checkImport(path: string, room: Room, target: string, homes: Map<string, Set<string>>): string[] {
  if (target.startsWith('.')) {
    const to = roomOf(relative('/', resolve('/', path, '..', target)));
    if (!to) return [`${path} imports ${target}, which is in no room`];
    return rooms.indexOf(to) > rooms.indexOf(room) ? [`${path} imports upwards, from ${to}`] : [];
  }
  if (networkModules.test(target)) return [`${path} imports ${target}: nothing here makes sockets`];
  if (target.startsWith('node:')) {
    return pureRooms.includes(room) && !pureNodeModules.includes(target)
      ? [`${path} is in a pure room and imports ${target}`]
      : [];
  }
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
  // The command line is one room with its table of commands.
  homes.set(name, (homes.get(name) ?? new Set()).add(room === 'cli' ? 'commands' : room));
  return [];
}

function roomOf(path: string): Room | undefined {
  const first = path.split('/')[0]?.replace(/\.ts$/, '');
  return rooms.find((room) => room === first);
}

function importsOf(text: string): string[] {
  const statements =
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;
  return [...text.matchAll(statements)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}
