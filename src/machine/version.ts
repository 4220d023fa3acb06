/** Set by the build (esbuild `define`); does not exist when the sources run unbundled. */
declare const BREAKGLASS_VERSION: string | undefined;

export function softwareVersion(): string {
  return typeof BREAKGLASS_VERSION === 'string' ? BREAKGLASS_VERSION : 'development';
}
