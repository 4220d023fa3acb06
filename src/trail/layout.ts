/** Names on a medium (docs/format.md §9). Everything is 8.3, so that FAT keeps it as it is. */
export const mediumRoot = 'BGTRAIL';
export const readmeName = 'README.TXT';
export const mediumName = 'MEDIUM.JSN';
/** Beside BGTRAIL, while `media test` runs. */
export const probeName = 'BGPROBE.TMP';

/** The folder of a trail below BGTRAIL: the first 8 hex digits of the trust id. */
export function trailFolder(trustId: string): string {
  return trustId.slice(0, 8);
}

/** 8 digits: genesis is `00000000.JWS`. */
export function recordName(seq: number): string {
  return `${String(seq).padStart(8, '0')}.JWS`;
}

/** The sequence number that a file name stands for, or undefined if it is not a record's. */
export function recordNameSeq(name: string): number | undefined {
  return /^\d{8}\.JWS$/.test(name) ? Number(name.slice(0, 8)) : undefined;
}

export function trustName(version: number): string {
  return `T${String(version).padStart(7, '0')}.TXT`;
}

export function trustNameVersion(name: string): number | undefined {
  return /^T\d{7}\.TXT$/.test(name) ? Number(name.slice(1, 8)) : undefined;
}

/** A checkpoint of the tree of the first `size` records. */
export function checkpointName(size: number): string {
  return `C${String(size).padStart(7, '0')}.TXT`;
}

export function checkpointNameSize(name: string): number | undefined {
  return /^C\d{7}\.TXT$/.test(name) ? Number(name.slice(1, 8)) : undefined;
}

/** Auditors' cosignatures of the checkpoint of that size: `W0000001.001`, `.002`, … */
export function cosignatureNameSize(name: string): number | undefined {
  return /^W\d{7}\.\d{3}$/.test(name) ? Number(name.slice(1, 8)) : undefined;
}

/** What a file of a record is renamed to when it is set aside: `.BAD`, then `.BA2` … `.BA9`; undefined when all are taken. */
export function setAsideName(seq: number, taken: (name: string) => boolean): string | undefined {
  const stem = recordName(seq).slice(0, 8);
  const suffixes = ['BAD', 'BA2', 'BA3', 'BA4', 'BA5', 'BA6', 'BA7', 'BA8', 'BA9'];
  return suffixes.map((suffix) => `${stem}.${suffix}`).find((name) => !taken(name));
}

export function isSetAsideName(name: string): boolean {
  return /^\d{8}\.BA[D2-9]$/.test(name);
}

/** The public keys beside the trust files, in PEM for openssl; nothing reads them but people. */
export function isPemName(name: string): boolean {
  return /^(?:ROOT|TRAIL|TOKEN|DRILL|DENY|RECORD)\d{2,4}\.PEM$/.test(name);
}
