import * as raw from "./raw";
import { at, bytesOf, getBytes, getText } from "./text";

/**
 * A key of the channel's store. All instances and versions of the plugin share the store. It outlives connections. ttl
 * is the time to live in milliseconds; 0 is without end.
 */
@final
export class Key {
  constructor(public readonly name: string) {}

  /** The sum that the last add has computed. */
  sum: i64 = 0;

  /** Returns the value. If it fails, it returns null, and lastError() returns the error number. */
  get(): string | null {
    return getText((_c, n, l, buf, cap) => raw.store_get(n, l, buf, cap), 0, this.name);
  }

  /** Returns the value as bytes. If it fails, it returns null, and lastError() returns the error number. */
  getBytes(): Uint8Array | null {
    return getBytes((_c, n, l, buf, cap) => raw.store_get(n, l, buf, cap), 0, this.name);
  }

  /** Sets the value. */
  set(value: string, ttl: i64 = 0): i32 {
    const k = bytesOf(this.name), v = bytesOf(value);
    return raw.store_set(at(k), k.byteLength, at(v), v.byteLength, ttl);
  }

  /** Deletes the value. Returns Errno.NOT_FOUND if there is none. */
  delete(): i32 {
    const k = bytesOf(this.name);
    return raw.store_delete(at(k), k.byteLength);
  }

  /**
   * Adds delta to the value, a decimal number, and sets this.sum to the sum. A key without a value counts as 0. ttl
   * counts from the creation of the value.
   */
  add(delta: i64, ttl: i64 = 0): i32 {
    const k = bytesOf(this.name);
    return raw.store_add(at(k), k.byteLength, delta, ttl, changetype<usize>(this) + offsetof<Key>("sum"));
  }
}
