import type { MediumHost } from './medium.ts';
import { realDisk } from './real-disk.ts';

/** The machine that we run on. */
export const realHost: MediumHost = { disk: realDisk, sysfsRoot: '/sys' };
