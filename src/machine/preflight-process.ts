import { kernelText, kernelTextIfThere } from './kernel-file.ts';
import type { PreflightSources, Problem } from './preflight.ts';

/** Variables by which foreign code gets into the process, or by which it writes down what it does. */
export const codeVariables = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_COMPILE_CACHE',
  'NODE_V8_COVERAGE',
  'NODE_DEBUG',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
];

/** Variables of sessions in which keys and screen pass through another machine, or through a program that keeps them. */
export const sessionVariables = ['SSH_CONNECTION', 'SSH_TTY', 'TMUX', 'STY'];

/** Names only: a value could be anything. */
export function setVariables(env: PreflightSources['env'], names: readonly string[]): Problem[] {
  return names
    .filter((name) => env[name])
    .map((name) => ({
      what: `the variable ${name} is set`,
      fix: `run: unset ${name}, at the console of this machine`,
    }));
}

const foreignOption =
  /^(?:-r|--(?:inspect|debug|require|import|loader|experimental-loader|prof|cpu-prof|heap-prof|heapsnapshot|report|diagnostic|trace|env-file|openssl))/;

export function foreignOptions({ execArgv }: PreflightSources): Problem[] {
  return execArgv
    .filter((option) => foreignOption.test(option))
    .map((option) => ({
      what: `node runs with ${option.split('=', 1)[0]}`,
      fix: 'start breakglass without options for node',
    }));
}

export function tracers({ procRoot }: PreflightSources): Problem[] {
  const [, tracer] = /^TracerPid:\s*(\d+)$/m.exec(kernelText(`${procRoot}/self/status`)) ?? [];
  if (tracer === '0') return [];
  return [
    { what: `process ${tracer ?? '?'} traces this one`, fix: 'end the debugger, or start breakglass without it' },
  ];
}

/** Yama (Documentation/admin-guide/LSM/Yama.rst): 0, or no Yama, lets every process of the same user read our memory. */
export function openToPtrace({ procRoot }: PreflightSources): Problem[] {
  const scope = kernelTextIfThere(`${procRoot}/sys/kernel/yama/ptrace_scope`);
  if (scope === undefined)
    return [{ what: 'this kernel has no Yama: processes of the same user can attach', fix: 'boot a kernel with Yama' }];
  if (/^[123]$/.test(scope)) return [];
  return [{ what: 'processes of the same user can attach', fix: 'run: sysctl -w kernel.yama.ptrace_scope=1' }];
}
