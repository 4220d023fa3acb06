import type { Answer } from '../decision.ts';

/** What an adapter uses of the socket of an upgrade request. */
export interface UpgradeSocket {
  readonly destroyed: boolean;
  end(text: string, sent: () => void): unknown;
  destroy(): unknown;
  on(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
}

export type UpgradeHandler<Request, Socket, Head> = (request: Request, socket: Socket, head: Head) => unknown;

const reasons = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 503: 'Service Unavailable' } as const;

/** Waits with the socket in hand: nobody else listens to it yet, and an error that nobody hears ends the process. */
export async function waiting<T>(socket: UpgradeSocket, what: Promise<T>): Promise<T> {
  const ignore = () => {};
  socket.on('error', ignore);
  try {
    return await what;
  } finally {
    socket.removeListener('error', ignore);
  }
}

/** Answers an upgrade request with HTTP (RFC 9112) and closes the socket. */
export function refuseUpgrade(socket: UpgradeSocket, { status, headers, body }: Answer): void {
  const fields = { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => {});
  socket.end(`HTTP/1.1 ${status} ${reasons[status]}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy());
}
