import { encodeQR } from 'qr';

// 47 then 107: a terminal that does not know the bright white background keeps the plain one.
const blackOnWhite = '\x1b[30;47;107m';
const reset = '\x1b[0m';
const quietZone = 4;
const halfBlocks = [' ', '▄', '▀', '█'] as const;

/**
 * A QR code (ISO/IEC 18004, error correction M) in half blocks, two modules a line, with the quiet zone of the standard. Its colours
 * are set even under `NO_COLOR`: they are the code, not decoration, and scan on dark and light terminals. Upper-case letters and
 * digits make it smaller.
 */
export function renderQr(text: string): string {
  return qrLines(text)
    .map((line) => `${blackOnWhite}${line}${reset}`)
    .join('\n');
}

/** The same where it fits; otherwise what it needs. A token has more than a hundred columns, a share card has not. */
export function renderQrOn(text: string, screen: { readonly columns: number; readonly rows: number }): string {
  const lines = qrLines(text);
  const columns = lines[0]?.length ?? 0;
  if (columns < screen.columns && lines.length < screen.rows) return renderQr(text);
  return `The QR code needs ${columns} columns and ${lines.length} lines; this screen has ${screen.columns} × ${screen.rows}.`;
}

/** The lines of the code without colours: dark modules are ink. */
export function qrLines(text: string): string[] {
  const modules = encodeQR(text, 'raw', { ecc: 'medium', border: quietZone });
  return Array.from({ length: Math.ceil(modules.length / 2) }, (_, line) => {
    const upper = modules[line * 2] ?? [];
    const lower = modules[line * 2 + 1] ?? [];
    return upper.map((dark, column) => halfBlocks[(dark ? 2 : 0) + (lower[column] ? 1 : 0)]).join('');
  });
}
