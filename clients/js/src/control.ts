// The framing of azuhost.v1: docs/PROTOCOL.md.

import { AzuhostError } from './error.js';

export const PROTOCOL = 'azuhost.v1';
/** In the list of subprotocols it begins one that carries a token, and is never agreed on. */
export const TOKEN = 'azuhost.token.';

/** Text that begins with it is a control message; with two of them, data that begins with one. */
const MARK = '\x1e';

/** A control message of the host. Members are as its type says; others are undefined. */
export interface Control {
  type: string;
  id?: number;
  room: string;
  epoch: string;
  offset: number;
  skip?: boolean;
  recovered?: boolean;
  conn: string;
  expires_at?: number;
  users: string[];
  user: string;
  code: string;
  message: string;
}

export const encodeControl = (message: object): string => MARK + JSON.stringify(message);

/** escape makes data of text, whatever it begins with. */
export const escape = (text: string): string => (text[0] === MARK ? MARK + text : text);

/** decode gives the control message that data is. undefined: it is none; null: nothing that makes sense. */
export function decode(data: unknown): Control | null | undefined {
  if (typeof data !== 'string' || data[0] !== MARK || data[1] === MARK) {
    return undefined;
  }
  try {
    return Object(JSON.parse(data.slice(1)));
  } catch {
    return null;
  }
}

/** unescape undoes escape. */
export const unescape = <T>(data: T): T | string => (typeof data === 'string' && data[0] === MARK ? data.slice(1) : data);

/** The host asks for another try. */
export const isLater = ({ code }: Control): boolean => code === 'UNAVAILABLE' || code === 'LIMIT' || code === 'TIMEOUT';

/** An answer that the host did not give. */
export const problem = (code: string, message: string): Control => ({ type: 'error', code, message }) as Control;

export const refused = (c: Control): AzuhostError => new AzuhostError(c.code, c.message);
export const NO_PROTOCOL = 'the server does not speak ' + PROTOCOL;
export const noProtocol = (): AzuhostError => new AzuhostError('NO_PROTOCOL', NO_PROTOCOL);
export const disconnected = (): AzuhostError => new AzuhostError('DISCONNECTED', 'not connected');
