import type { Options, TokenReason } from './options.js';
/** TokenCache holds the token, and calls getToken for another one. */
export declare class TokenCache {
    #private;
    constructor(get: Options['getToken']);
    /** Returns the token to connect with, a new one if the last is of no use. */
    current(): Promise<string | undefined>;
    /** Fetches another token. Concurrent calls share one fetch. */
    fetch(reason: TokenReason): Promise<string>;
    /** Gives up a fetch that takes too long. */
    abandon(): void;
    /** Marks the token as of no use. Returns whether another one can be fetched. */
    spend(reason: TokenReason): boolean;
    /** Marks a stale token as of no use, after a failed connection. */
    spendStale(): void;
    /** Returns the milliseconds until a token that expires at expiresAt has to be refreshed. */
    refreshIn(expiresAt: number): number;
}
