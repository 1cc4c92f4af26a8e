import type { Options, TokenReason } from './options.js';
import { MAX_DELAY } from './timers.js';

/** A failed connection may mean that the server refuses the token. A token older than this is then replaced. */
const STALE = 30_000;
/** A token is refreshed this long before it expires; a short-lived one after half of its time at the latest. */
const REFRESH_BEFORE = 10_000;
const REFRESH_PART = 0.5;

/** TokenCache holds the token, and calls getToken for another one. */
export class TokenCache {
  #get: Options['getToken'];
  #token: string | undefined;
  #fetchedAt = 0;
  #pending: Promise<string> | undefined;
  #reason: TokenReason | undefined = 'connect'; // why another token is needed

  constructor(get: Options['getToken']) {
    this.#get = get;
  }

  /** Returns the token to connect with, a new one if the last is of no use. */
  async current(): Promise<string | undefined> {
    return this.#reason && this.#get ? this.fetch(this.#reason) : this.#token;
  }

  /** Fetches another token. Concurrent calls share one fetch. */
  fetch(reason: TokenReason): Promise<string> {
    if (!this.#pending) {
      // Through a promise, so that a getToken that throws also rejects.
      const pending: Promise<string> = Promise.resolve(reason).then(this.#get!).then(
        (token) => {
          if (this.#pending === pending) {
            this.#token = token;
            this.#fetchedAt = Date.now();
            this.#reason = this.#pending = undefined;
          }
          return token;
        },
        (err) => {
          if (this.#pending === pending) {
            this.#pending = undefined;
          }
          throw err;
        },
      );
      this.#pending = pending;
    }
    return this.#pending;
  }

  /** Gives up a fetch that takes too long. */
  abandon(): void {
    this.#pending = undefined;
  }

  /** Marks the token as of no use. Returns whether another one can be fetched. */
  spend(reason: TokenReason): boolean {
    this.#reason ??= reason;
    return !!this.#get;
  }

  /** Marks a stale token as of no use, after a failed connection. */
  spendStale(): void {
    if (Date.now() - this.#fetchedAt > STALE) {
      this.spend('refused');
    }
  }

  /** Returns the milliseconds until a token that expires at expiresAt has to be refreshed. */
  refreshIn(expiresAt: number): number {
    const left = expiresAt * 1000 - Date.now();
    // With a wrong clock the token may look expired. That must not lead to frequent fetches.
    const early = Math.min(left * 0.8, left - REFRESH_BEFORE);
    return left > 0 ? Math.min(MAX_DELAY, Math.max(1000, left * REFRESH_PART, early)) : REFRESH_BEFORE;
  }
}
