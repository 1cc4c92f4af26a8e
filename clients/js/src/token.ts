import type { Options, TokenReason } from './options.js';
import { LONGEST } from './timers.js';

/** A server that can not be reached may be one that refuses the token. An older one than this is worth another try. */
const STALE = 30_000;
/** A token is refreshed so long before its end; of a short one that much of its time, at the most. */
const AHEAD = 10_000;
const PART = 0.5;

/** Keeper has the token, and asks for another one when it has to. */
export class Keeper {
  #get: Options['getToken'];
  #token: string | undefined;
  #at = 0;
  #asked: Promise<string> | undefined;
  #reason: TokenReason | undefined = 'connect';

  constructor(get: Options['getToken']) {
    this.#get = get;
  }

  /** The token to connect with: the one that there is, unless it is spent. */
  async current(): Promise<string | undefined> {
    return this.#reason && this.#get ? this.fresh(this.#reason) : this.#token;
  }

  /** Another token. All who ask meanwhile get the same one. */
  fresh(reason: TokenReason): Promise<string> {
    if (!this.#asked) {
      // In a promise, so that a callback that throws is one that rejects.
      const asked: Promise<string> = Promise.resolve(reason).then(this.#get!).then(
        (token) => {
          if (this.#asked === asked) {
            this.#token = token;
            this.#at = Date.now();
            this.#reason = this.#asked = undefined;
          }
          return token;
        },
        (err) => {
          if (this.#asked === asked) {
            this.#asked = undefined;
          }
          throw err;
        },
      );
      this.#asked = asked;
    }
    return this.#asked;
  }

  /** What was asked for takes too long. */
  forget(): void {
    this.#asked = undefined;
  }

  /** The token is of no use any more. Says whether there may be another one. */
  spend(reason: TokenReason): boolean {
    this.#reason ??= reason;
    return !!this.#get;
  }

  /** A handshake failed, for whatever reason. */
  doubt(): void {
    if (Date.now() - this.#at > STALE) {
      this.spend('refused');
    }
  }

  /** When to refresh a token that ends at that time, in milliseconds from now. */
  refreshIn(expiresAt: number): number {
    const left = expiresAt * 1000 - Date.now();
    // A clock that is wrong must not have it ask in a hurry.
    return left > 0 ? Math.min(LONGEST, Math.max(1000, left * PART, Math.min(left * 0.8, left - AHEAD))) : AHEAD;
  }
}
