import type { Closing, Options } from './options.js';
/**
 * Exponential backoff with full jitter: anything between 0 and the bound, which doubles with each attempt. See
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export declare const fullJitter: (attempt: number, min: number, max: number) => number;
/** told is the delay that a node that goes asks for, by 3001 or 1012; undefined: none. */
export declare function told({ code, reason }: Closing): number | undefined;
/** final says whether a close code asks to stay away: it was meant so, or the channel says its own. */
export declare const final: (code: number) => boolean;
/** wanted is what the option says: whether, or after how many milliseconds; undefined: nothing of its own. */
export declare function wanted(reconnect: Options['reconnect'], closing: Closing, threw: (err: Error) => void): boolean | number | undefined;
