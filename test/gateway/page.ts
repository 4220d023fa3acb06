import { readFileSync } from 'node:fs';

/** What docs/gateways.md says of one gateway: the configuration, and what it answers to what. */
export interface GatewayPage {
  readonly configuration: string;
  readonly rows: readonly GatewayRow[];
}

export interface GatewayRow {
  readonly name: string;
  readonly status: number;
  /** What strict verification says of the same token: a code, or `good`. */
  readonly verdict: string;
}

/** The section of the page with this title: its first block in `language` and its table of answers. */
export function readGatewayPage(title: string, language: string): GatewayPage {
  const page = readFileSync(new URL('../../docs/gateways.md', import.meta.url), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
  const [, configuration = ''] = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(section) ?? [];
  const [, table = ''] = section.split(/^\| what comes .*\n\|[-|]+\n/m);
  const rows = [...table.matchAll(/^\| (.+?) \| (.+?) \| (.+?) \|$/gm)].map(
    ([, name = '', status = '', verdict = '']) => ({
      name: plain(name),
      status: Number(plain(status)),
      verdict: plain(verdict),
    }),
  );
  return { configuration, rows };
}

function plain(cell: string): string {
  return cell.replaceAll('*', '').replaceAll('`', '');
}
