import { AzuhostError } from './error.js';
export declare const PROTOCOL = "azuhost.v1";
/** In the list of subprotocols it begins one that carries a token, and is never agreed on. */
export declare const TOKEN = "azuhost.token.";
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
export declare const encodeControl: (message: object) => string;
/** escape makes data of text, whatever it begins with. */
export declare const escape: (text: string) => string;
/** decode gives the control message that data is. undefined: it is none; null: nothing that makes sense. */
export declare function decode(data: unknown): Control | null | undefined;
/** unescape undoes escape. */
export declare const unescape: <T>(data: T) => T | string;
/** The host asks for another try. */
export declare const isLater: ({ code }: Control) => boolean;
/** An answer that the host did not give. */
export declare const problem: (code: string, message: string) => Control;
export declare const refused: (c: Control) => AzuhostError;
export declare const NO_PROTOCOL: string;
export declare const noProtocol: () => AzuhostError;
export declare const disconnected: () => AzuhostError;
