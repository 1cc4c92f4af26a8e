import type { Closing, Options } from './options.js';
import { LONGEST as TIMER } from './timers.js';

/**
 * Exponential backoff with full jitter: anything between 0 and the bound, which doubles with each attempt. See
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const fullJitter = (attempt: number, min: number, max: number): number => Math.random() * Math.min(max, min * 2 ** attempt);

/** No host sends its clients away for longer. */
const LONGEST = 600_000;

/** told is the delay that a node that goes asks for, by 3001 or 1012; undefined: none. */
export function told({ code, reason }: Closing): number | undefined {
  let delay: unknown;
  if (code === 3001) {
    try {
      delay = JSON.parse(reason).reconnect_after_ms;
    } catch {
      // Somebody else's 3001.
    }
  } else if (code === 1012) {
    delay = Number(/^reconnect in (\d+) ms$/.exec(reason)?.[1]);
  }
  return typeof delay === 'number' && delay >= 0 ? Math.min(delay, LONGEST) : undefined;
}

/** final says whether a close code asks to stay away: it was meant so, or the channel says its own. */
export const final = (code: number): boolean => code === 1000 || code === 1010 || code === 3003 || (code >= 4000 && code < 5000);

/** wanted is what the option says: whether, or after how many milliseconds; undefined: nothing of its own. */
export function wanted(reconnect: Options['reconnect'], closing: Closing, threw: (err: Error) => void): boolean | number | undefined {
  if (typeof reconnect !== 'function') {
    return reconnect === false ? false : undefined;
  }
  try {
    const answer = reconnect(closing);
    return typeof answer !== 'number' ? answer : answer >= 0 ? Math.min(answer, TIMER) : undefined;
  } catch (err) {
    threw(err as Error);
    return undefined;
  }
}
