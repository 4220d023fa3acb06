import { openJws } from '../base/jws.ts';

/** True if the header of a line, whose signature was checked before, names this key. */
export function signedBy(line: string, kid: string): boolean {
  return openJws(line, 'breakglass-revocations+jws', 'the line').header.kid === kid;
}
