/** Bundles the command into `dir`: breakglass.js, its chunks, and SHA256SUMS over them. */
export function buildCommand(dir: string): Promise<void>;
