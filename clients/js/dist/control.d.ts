import { AzuhostError } from './error.js';
export declare const PROTOCOL = "azuhost.v1";
/** Prefix of the entry in the list of subprotocols that carries a token. The host never agrees to that entry. */
export declare const TOKEN_PREFIX = "azuhost.token.";
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
export declare const encodeControl: (message: object) => string;
/** escape makes text a data message, even if it begins with MARK. */
export declare const escape: (text: string) => string;
/** decode decodes a control message. Returns undefined for data, and null for a control message that is no JSON. */
export declare function decode(data: unknown): Control | null | undefined;
/** unescape reverses escape. */
export declare const unescape: <T>(data: T) => T | string;
/** isTemporary reports whether an error says to try again later. */
export declare const isTemporary: ({ code }: Control) => boolean;
/** failure makes an error in place of an answer that does not come. */
export declare const failure: (code: string, message: string) => Control;
export declare const toError: (c: Control) => AzuhostError;
export declare const NO_PROTOCOL: string;
export declare const noProtocol: () => AzuhostError;
export declare const disconnected: () => AzuhostError;
