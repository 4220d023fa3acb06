import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { isIdentifier } from '../../src/base/text.ts';
import { type Check, runPreflight } from '../../src/machine/preflight.ts';
import { machinePreflight, preflightEntry } from '../../src/machine/preflight-entry.ts';
import { temporaryFolder } from './child.ts';

const routeHeader = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
const swapHeader = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
const limits = (core: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \n` +
  `Max stack size            8388608              unlimited            bytes     \n` +
  `Max core file size        ${core.padEnd(20)} unlimited            bytes     \n`;
const zeros = '0'.repeat(32);

/** A machine as it should be: a cable interface that is down, `lo`, no radio, no swap, nothing that traces. */
const goodMachine: Readonly<Record<string, string>> = {
  'proc/net/route': routeHeader,
  'proc/net/ipv6_route': `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`,
  'proc/swaps': swapHeader,
  'proc/sys/kernel/core_pattern': 'core\n',
  'proc/sys/kernel/core_uses_pid': '0\n',
  'proc/self/limits': limits('0'),
  'proc/self/status': 'Name:\tnode\nTracerPid:\t0\nUid:\t0\n',
  'proc/sys/kernel/yama/ptrace_scope': '1\n',
  'sys/class/net/lo/flags': '0x9\n',
  'sys/class/net/eth0/flags': '0x1002\n',
  'sys/class/net/eth0/operstate': 'down\n',
  'sys/class/net/bonding_masters': '\n',
};

let root: string;
beforeEach(() => {
  root = temporaryFolder();
  for (const [path, text] of Object.entries(goodMachine)) plant(path, text);
});

function plant(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function checks(process: { env?: Record<string, string>; execArgv?: readonly string[] } = {}): Check[] {
  const { env = { PATH: '/usr/bin', HOME: '/root' }, execArgv = [] } = process;
  return runPreflight({ procRoot: join(root, 'proc'), sysRoot: join(root, 'sys'), env, execArgv });
}

const failed = (found: readonly Check[]) => found.filter(({ ok }) => !ok);

test('a machine as it should be passes every check', () => {
  expect(failed(checks())).toEqual([]);
});

test('every check has a name that a record can hold, and a hint only where it is needed', () => {
  for (const check of checks()) expect([isIdentifier(check.name), check.hint]).toEqual([true, '']);
});

describe('each fault fails its own check alone, and the hint says what to do', () => {
  const defaultV4 = 'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n';
  const defaultV6 = `${zeros} 00 ${zeros} 00 fd${'0'.repeat(30)} 00000400 00000002 00000000 00000003     eth0\n`;
  const faults: readonly (readonly [string, string, () => void, string, string])[] = [
    [
      'an interface that is up',
      'network-down',
      () => plant('sys/class/net/eth0/flags', '0x1003\n'),
      'network interface eth0 is up',
      'run: ip link set eth0 down',
    ],
    [
      'a radio interface that is up without a carrier',
      'network-down',
      () => {
        plant('sys/class/net/wlan0/flags', '0x1003\n');
        plant('sys/class/net/wlan0/carrier', '0\n');
        mkdirSync(join(root, 'sys/class/net/wlan0/wireless'));
      },
      'network interface wlan0 is up',
      'run: ip link set wlan0 down',
    ],
    [
      'a tunnel whose state is unknown',
      'network-down',
      () => plant('sys/class/net/tun0/operstate', 'unknown\n'),
      'network interface tun0 is up',
      'run: ip link set tun0 down',
    ],
    [
      'an IPv4 default route',
      'no-default-route',
      () => plant('proc/net/route', routeHeader + defaultV4),
      'a default route leads out by eth0',
      'run: ip route flush default',
    ],
    [
      'an IPv6 default route',
      'no-default-route',
      () => plant('proc/net/ipv6_route', defaultV6),
      'a default route leads out by eth0',
      'run: ip -6 route flush default',
    ],
    [
      'a radio that is not blocked',
      'radios-off',
      () => {
        plant('sys/class/rfkill/rfkill0/type', 'bluetooth\n');
        plant('sys/class/rfkill/rfkill0/soft', '0\n');
        plant('sys/class/rfkill/rfkill0/hard', '0\n');
      },
      'the radio rfkill0 (bluetooth) is on',
      'run: rfkill block all',
    ],
    [
      'swap on a disk',
      'no-swap',
      () => plant('proc/swaps', `${swapHeader}/dev/sda2   partition\t1\t0\t-2\n`),
      'memory is swapped to /dev/sda2',
      'run: swapoff /dev/sda2',
    ],
    [
      'zram that writes back to a disk',
      'no-swap',
      () => {
        plant('proc/swaps', `${swapHeader}/dev/zram0   partition\t1\t0\t-2\n`);
        plant('sys/block/zram0/backing_dev', '/dev/sda3\n');
      },
      'memory is swapped to /dev/zram0',
      'run: swapoff /dev/zram0',
    ],
    [
      'a core limit above nothing',
      'no-core-dumps',
      () => plant('proc/self/limits', limits('unlimited')),
      'a crash may write a core dump',
      'run: ulimit -c 0',
    ],
    [
      'a program that takes core dumps whatever the limit',
      'no-core-dumps',
      () => plant('proc/sys/kernel/core_pattern', '|/lib/systemd/systemd-coredump %P\n'),
      'core dumps are handed to a program',
      'run: sysctl -w kernel.core_pattern=core',
    ],
    [
      'a debugger on this process',
      'not-traced',
      () => plant('proc/self/status', 'Name:\tnode\nTracerPid:\t4711\n'),
      'process 4711 traces this one',
      'end the debugger, or start breakglass without it',
    ],
    [
      'a Yama that lets everybody attach',
      'ptrace-restricted',
      () => plant('proc/sys/kernel/yama/ptrace_scope', '0\n'),
      'processes of the same user can attach',
      'run: sysctl -w kernel.yama.ptrace_scope=1',
    ],
  ];

  test.each(faults)('%s', (_, name, make, message, hint) => {
    make();
    expect(failed(checks())).toEqual([{ name, ok: false, message, hint }]);
  });

  test.each(['NODE_OPTIONS', 'NODE_PATH', 'LD_PRELOAD', 'OPENSSL_CONF'])('the variable %s, never its value', (name) => {
    const found = failed(checks({ env: { [name]: '--require=/tmp/evil' } }));
    expect(found.map((check) => check.name)).toEqual(['no-node-options']);
    expect(JSON.stringify(found)).not.toContain('evil');
  });

  test.each(['SSH_CONNECTION', 'TMUX'])('a session elsewhere (%s)', (name) => {
    expect(failed(checks({ env: { [name]: 'x' } })).map((check) => check.name)).toEqual(['local-session']);
  });

  test.each([['--inspect=0.0.0.0:9229'], ['--inspect-brk'], ['-r', './hook.cjs'], ['--import', 'x'], ['--cpu-prof']])(
    'node with %s',
    (...execArgv) => {
      expect(failed(checks({ execArgv })).map((check) => check.name)).toEqual(['no-inspector']);
    },
  );
});

describe('what is harmless passes', () => {
  const harmless: readonly (readonly [string, () => void])[] = [
    [
      'an interface that is up without a cable',
      () => {
        plant('sys/class/net/eth0/flags', '0x1003\n');
        plant('sys/class/net/eth0/carrier', '0\n');
      },
    ],
    [
      'a route that rejects',
      () => plant('proc/net/route', `${routeHeader}*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n`),
    ],
    [
      'a radio behind its switch',
      () => {
        plant('sys/class/rfkill/rfkill0/soft', '0\n');
        plant('sys/class/rfkill/rfkill0/hard', '1\n');
      },
    ],
    [
      'swap to compressed memory',
      () => {
        plant('proc/swaps', `${swapHeader}/dev/zram0   partition\t1\t0\t-2\n`);
        plant('sys/block/zram0/backing_dev', 'none\n');
      },
    ],
    [
      'any core limit when the pattern is empty',
      () => {
        plant('proc/sys/kernel/core_pattern', '\n');
        plant('proc/self/limits', limits('unlimited'));
      },
    ],
    ['a kernel without IPv6', () => rmSync(join(root, 'proc/net/ipv6_route'))],
  ];

  test.each(harmless)('%s', (_, make) => {
    make();
    expect(failed(checks())).toEqual([]);
  });

  test('an option of node that shows nothing to anybody', () => {
    expect(failed(checks({ execArgv: ['--no-warnings', '--max-old-space-size=512'] }))).toEqual([]);
  });
});

test('what cannot be read has not passed', () => {
  const files = [
    ['sys/class/net', 'network-down'],
    ['proc/net/route', 'no-default-route'],
    ['proc/swaps', 'no-swap'],
    ['proc/sys/kernel/core_pattern', 'no-core-dumps'],
    ['proc/self/limits', 'no-core-dumps'],
    ['proc/self/status', 'not-traced'],
    ['proc/sys/kernel/yama/ptrace_scope', 'ptrace-restricted'],
  ] as const;
  for (const [path, name] of files) {
    const kept = `${join(root, path)}.kept`;
    symlinkSync('nowhere', kept);
    rmSync(join(root, path), { recursive: true });
    expect(failed(checks()).map((check) => check.name)).toContain(name);
  }
});

test('it runs on this machine, whatever that is like', () => {
  expect(machinePreflight().map((check) => check.name)).toEqual(checks().map((check) => check.name));
});

test('a record keeps the names and outcomes, not the facts of the machine', () => {
  plant('sys/class/net/eth0/flags', '0x1003\n');
  const entry = preflightEntry('record', checks());
  expect(entry.checks).toContainEqual({ name: 'network-down', ok: false });
  expect(JSON.stringify(entry)).not.toContain('eth0');
});
