import { done } from "./conn";
import { AzuError, check, found, millis } from "./error";
import type { Message } from "./message";
import * as raw from "./raw";

/** The options of a value in the store. */
export interface KeepOptions {
  /** The time to live in milliseconds. 0, the default, is without end. */
  ttl?: number;
}

/** The channel's store. All instances and versions of the plugin share it. It outlives connections. */
export const store = {
  /** Returns a value; undefined if there is none. */
  get(key: string): string | undefined {
    return found<string>(raw.storeGet(key, false), "store.get");
  },
  /** Returns a value as bytes; undefined if there is none. */
  getBytes(key: string): Uint8Array | undefined {
    return found<Uint8Array>(raw.storeGet(key, true), "store.getBytes");
  },
  /** Sets a value. */
  set(key: string, value: Message, options?: KeepOptions): void {
    check(raw.storeSet(key, value, millis(options?.ttl ?? 0, "store.set")), "store.set");
  },
  /** Deletes a value. Returns false if there was none. */
  delete(key: string): boolean {
    return done(raw.storeDelete(key), "store.delete");
  },
  /**
   * Adds delta to a value, a decimal number, and returns the sum. A key without a value counts as 0. ttl counts from
   * the creation of the value.
   */
  add(key: string, delta = 1, options?: KeepOptions): number {
    if (!Number.isInteger(delta)) throw new RangeError(`store.add: ${delta} is not an integer`);
    const sum = raw.storeAdd(key, delta, millis(options?.ttl ?? 0, "store.add"));
    if (Array.isArray(sum)) throw new AzuError(sum[0], "store.add");
    return Number(sum);
  },
};
