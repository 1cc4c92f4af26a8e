// The control messages of azuhost.v1: docs/PROTOCOL.md.

import { AzuhostError } from './error.js';

export const PROTOCOL = 'azuhost.v1';
/** Prefix of the entry in the list of subprotocols that carries a token. The host never agrees to that entry. */
export const TOKEN_PREFIX = 'azuhost.token.';

/** The first character of a control message. Data that begins with it is escaped by a second one in front. */
const MARK = '\x1e';

/** A control message of the host. Only the members of its type are set. */
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

/** escape makes text a data message, even if it begins with MARK. */
export const escape = (text: string): string => (text[0] === MARK ? MARK + text : text);

/** decode decodes a control message. Returns undefined for data, and null for a control message that is no JSON. */
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

/** unescape reverses escape. */
export const unescape = <T>(data: T): T | string => (typeof data === 'string' && data[0] === MARK ? data.slice(1) : data);

/** isTemporary reports whether an error says to try again later. */
export const isTemporary = ({ code }: Control): boolean => code === 'UNAVAILABLE' || code === 'LIMIT' || code === 'TIMEOUT';

/** failure makes an error in place of an answer that does not come. */
export const failure = (code: string, message: string): Control => ({ type: 'error', code, message }) as Control;

export const toError = (c: Control): AzuhostError => new AzuhostError(c.code, c.message);
export const NO_PROTOCOL = 'the server does not speak ' + PROTOCOL;
export const noProtocol = (): AzuhostError => new AzuhostError('NO_PROTOCOL', NO_PROTOCOL);
export const disconnected = (): AzuhostError => new AzuhostError('DISCONNECTED', 'not connected');
