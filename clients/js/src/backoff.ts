import type { Closing, Options } from './options.js';
import { MAX_DELAY } from './timers.js';

/**
 * Exponential backoff with full jitter: a random delay between 0 and a bound that doubles with each attempt. See
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const fullJitter = (attempt: number, min: number, max: number): number => Math.random() * Math.min(max, min * 2 ** attempt);

/** The longest delay that the client accepts from a host, in milliseconds. */
const MAX_HOST_DELAY = 600_000;

/** hostDelay returns the delay that a host names as it drains, in a close with 3001 or 1012; undefined if there is none. */
export function hostDelay({ code, reason }: Closing): number | undefined {
  let delay: unknown;
  if (code === 3001) {
    try {
      delay = JSON.parse(reason).reconnect_after_ms;
    } catch {
      // Another application's 3001.
    }
  } else if (code === 1012) {
    delay = Number(/^reconnect in (\d+) ms$/.exec(reason)?.[1]);
  }
  return typeof delay === 'number' && delay >= 0 ? Math.min(delay, MAX_HOST_DELAY) : undefined;
}

/** isFinal reports whether a close code says not to reconnect: a normal closure, or a code of the channel. */
export const isFinal = (code: number): boolean => code === 1000 || code === 1010 || code === 3003 || (code >= 4000 && code < 5000);

/** decide evaluates the option reconnect: whether to reconnect, or after how many milliseconds; undefined: by the rules. */
export function decide(reconnect: Options['reconnect'], closing: Closing, onError: (err: Error) => void): boolean | number | undefined {
  if (typeof reconnect !== 'function') {
    return reconnect === false ? false : undefined;
  }
  try {
    const answer = reconnect(closing);
    return typeof answer !== 'number' ? answer : answer >= 0 ? Math.min(answer, MAX_DELAY) : undefined;
  } catch (err) {
    onError(err as Error);
    return undefined;
  }
}
