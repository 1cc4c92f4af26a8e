import type { Closing, Options } from './options.js';
/**
 * Exponential backoff with full jitter: a random delay between 0 and a bound that doubles with each attempt. See
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export declare const fullJitter: (attempt: number, min: number, max: number) => number;
/** hostDelay returns the delay that a host names as it drains, in a close with 3001 or 1012; undefined if there is none. */
export declare function hostDelay({ code, reason }: Closing): number | undefined;
/** isFinal reports whether a close code says not to reconnect: a normal closure, or a code of the channel. */
export declare const isFinal: (code: number) => boolean;
/** decide evaluates the option reconnect: whether to reconnect, or after how many milliseconds; undefined: by the rules. */
export declare function decide(reconnect: Options['reconnect'], closing: Closing, onError: (err: Error) => void): boolean | number | undefined;
