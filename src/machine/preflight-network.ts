import { kernelNames, kernelNamesIfThere, kernelRows, kernelText, kernelTextIfThere } from './kernel-file.ts';
import type { PreflightSources, Problem } from './preflight.ts';

/** Interfaces besides `lo` through which something could come or go. */
export function interfacesUp({ sysRoot }: PreflightSources): Problem[] {
  return kernelNames(`${sysRoot}/class/net`)
    .filter((name) => name !== 'lo' && isUp(`${sysRoot}/class/net/${name}`))
    .map((name) => ({ what: `network interface ${name} is up`, fix: `run: ip link set ${name} down` }));
}

/** IFF_UP of <linux/if.h>. */
const interfaceUp = 0x1;

function isUp(path: string): boolean {
  const names = kernelNamesIfThere(path);
  // `bonding_masters` stands among the interfaces and is a file.
  if (!names) return false;
  const flags = kernelTextIfThere(`${path}/flags`);
  if (flags === undefined) return kernelTextIfThere(`${path}/operstate`) !== 'down';
  if ((Number.parseInt(flags, 16) & interfaceUp) === 0) return false;
  // One that is up without a carrier waits for a cable: nothing passes. A radio without one still listens.
  const isRadio = names.includes('wireless') || names.includes('phy80211');
  return isRadio || kernelTextIfThere(`${path}/carrier`) !== '0';
}

/** RTF_UP and RTF_REJECT of <linux/route.h>. */
const routeUp = 0x1;
const routeReject = 0x200;

export function defaultRoutes({ procRoot }: PreflightSources): Problem[] {
  const v4 = kernelRows(kernelText(`${procRoot}/net/route`))
    .filter(([, destination, , flags, , , , mask]) => isZero(destination) && isZero(mask) && leadsOut(flags))
    .map(([device]) => ({ device, fix: 'run: ip route flush default' }));
  // Not there when the kernel was started without IPv6.
  const v6 = kernelRows(kernelTextIfThere(`${procRoot}/net/ipv6_route`) ?? '')
    .filter(([destination, prefix, , , , , , , flags]) => isZero(destination) && isZero(prefix) && leadsOut(flags))
    .map((fields) => ({ device: fields[9], fix: 'run: ip -6 route flush default' }));
  return [...v4, ...v6]
    .filter(({ device }) => device !== 'lo')
    .map(({ device, fix }) => ({ what: `a default route leads out by ${device}`, fix }));
}

function leadsOut(flags: string | undefined): boolean {
  const value = Number.parseInt(flags ?? '', 16);
  return (value & routeUp) !== 0 && (value & routeReject) === 0;
}

function isZero(hex: string | undefined): boolean {
  return hex !== undefined && /^0+$/.test(hex);
}

/** Wi-Fi, Bluetooth, mobile: radios that no switch blocks (rfkill(8)); they are not all network interfaces. */
export function radiosOn({ sysRoot }: PreflightSources): Problem[] {
  const root = `${sysRoot}/class/rfkill`;
  return (kernelNamesIfThere(root) ?? [])
    .filter((name) => !['soft', 'hard'].some((block) => kernelTextIfThere(`${root}/${name}/${block}`) === '1'))
    .map((name) => ({
      what: `the radio ${name} (${kernelTextIfThere(`${root}/${name}/type`) ?? 'unknown'}) is on`,
      fix: 'run: rfkill block all',
    }));
}
