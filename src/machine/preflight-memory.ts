import { kernelRows, kernelText, kernelTextIfThere } from './kernel-file.ts';
import type { PreflightSources, Problem } from './preflight.ts';

/** Swap areas that would write a share to a disk. */
export function swapsOnDisk(sources: PreflightSources): Problem[] {
  const [, ...areas] = kernelRows(kernelText(`${sources.procRoot}/swaps`));
  return areas
    .map(([device = '']) => device)
    .filter((device) => !isCompressedMemory(device, sources))
    .map((device) => ({ what: `memory is swapped to ${device}`, fix: `run: swapoff ${device}` }));
}

// zram is memory, unless it was given a disk to write idle pages back to.
function isCompressedMemory(device: string, { sysRoot }: PreflightSources): boolean {
  const [, name] = /^\/dev\/(zram\d+)$/.exec(device) ?? [];
  return name !== undefined && (kernelTextIfThere(`${sysRoot}/block/${name}/backing_dev`) ?? 'none') === 'none';
}

/** core(5): a pattern that begins with `|` gets the dump whatever the limit; an empty one, without the pid, means none. */
export function coreDumps({ procRoot }: PreflightSources): Problem[] {
  const pattern = kernelText(`${procRoot}/sys/kernel/core_pattern`);
  if (pattern.startsWith('|'))
    return [{ what: 'core dumps are handed to a program', fix: 'run: sysctl -w kernel.core_pattern=core' }];
  if (pattern === '' && kernelTextIfThere(`${procRoot}/sys/kernel/core_uses_pid`) === '0') return [];
  const [, limit] = /^Max core file size +(\S+)/m.exec(kernelText(`${procRoot}/self/limits`)) ?? [];
  return limit === '0' ? [] : [{ what: 'a crash may write a core dump', fix: 'run: ulimit -c 0' }];
}
