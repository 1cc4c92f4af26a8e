import type { Options, TokenReason } from './options.js';
/** Keeper has the token, and asks for another one when it has to. */
export declare class Keeper {
    #private;
    constructor(get: Options['getToken']);
    /** The token to connect with: the one that there is, unless it is spent. */
    current(): Promise<string | undefined>;
    /** Another token. All who ask meanwhile get the same one. */
    fresh(reason: TokenReason): Promise<string>;
    /** What was asked for takes too long. */
    forget(): void;
    /** The token is of no use any more. Says whether there may be another one. */
    spend(reason: TokenReason): boolean;
    /** A handshake failed, for whatever reason. */
    doubt(): void;
    /** When to refresh a token that ends at that time, in milliseconds from now. */
    refreshIn(expiresAt: number): number;
}
