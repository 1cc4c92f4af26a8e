import { done } from "./conn";
import { AzuError, check, found, millis } from "./error";
import type { Message } from "./message";
import * as raw from "./raw";

/** How long a value is kept. */
export interface KeepOptions {
  /** Milliseconds. 0 or nothing: without end. */
  ttl?: number;
}

/** The channel's store: shared by all instances and versions of the plugin. It outlives connections. */
export const store = {
  /** A value, or undefined. */
  get(key: string): string | undefined {
    return found<string>(raw.storeGet(key, false), "store.get");
  },
  /** A value as bytes, or undefined. */
  getBytes(key: string): Uint8Array | undefined {
    return found<Uint8Array>(raw.storeGet(key, true), "store.getBytes");
  },
  /** Keeps a value. */
  set(key: string, value: Message, options?: KeepOptions): void {
    check(raw.storeSet(key, value, millis(options?.ttl ?? 0, "store.set")), "store.set");
  },
  /** Forgets a value. False if there was none. */
  delete(key: string): boolean {
    return done(raw.storeDelete(key), "store.delete");
  },
  /** Adds to a number, from 0 if there is none, and gives the sum. ttl counts from the creation. */
  add(key: string, delta = 1, options?: KeepOptions): number {
    if (!Number.isInteger(delta)) throw new RangeError(`store.add: ${delta} is not whole`);
    const sum = raw.storeAdd(key, delta, millis(options?.ttl ?? 0, "store.add"));
    if (Array.isArray(sum)) throw new AzuError(sum[0], "store.add");
    return Number(sum);
  },
};
