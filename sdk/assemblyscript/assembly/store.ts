import * as raw from "./raw";
import { at, bytesOf, getBytes, getText } from "./text";

/**
 * A key of the channel's store. All instances and all versions of the plugin share
 * the store; it outlives connections. Times to live are in milliseconds, 0 is without end.
 */
@final
export class Key {
  constructor(public readonly name: string) {}

  /** The sum after add. */
  sum: i64 = 0;

  /** Gives the value, or null; lastError() tells why. */
  get(): string | null {
    return getText((_c, n, l, buf, cap) => raw.store_get(n, l, buf, cap), 0, this.name);
  }

  /** Gives the value as bytes, or null. */
  getBytes(): Uint8Array | null {
    return getBytes((_c, n, l, buf, cap) => raw.store_get(n, l, buf, cap), 0, this.name);
  }

  /** Keeps a value. */
  set(value: string, ttl: i64 = 0): i32 {
    const k = bytesOf(this.name), v = bytesOf(value);
    return raw.store_set(at(k), k.byteLength, at(v), v.byteLength, ttl);
  }

  /** Forgets the value. */
  delete(): i32 {
    const k = bytesOf(this.name);
    return raw.store_delete(at(k), k.byteLength);
  }

  /** Adds to a number, from 0 where there is none. The sum is in this.sum; the time to live counts from the creation. */
  add(delta: i64, ttl: i64 = 0): i32 {
    const k = bytesOf(this.name);
    return raw.store_add(at(k), k.byteLength, delta, ttl, changetype<usize>(this) + offsetof<Key>("sum"));
  }
}
