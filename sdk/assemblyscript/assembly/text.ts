// Conversions between strings, which are UTF-16, and the bytes of the host.

import { Errno } from "./errno";

/** Encodes a text as UTF-8. */
// @ts-ignore: decorator
@inline export function bytesOf(text: string): ArrayBuffer {
  return String.UTF8.encode(text);
}

/** Returns the address of bytes. */
// @ts-ignore: decorator
@inline export function at(bytes: ArrayBuffer): usize {
  return changetype<usize>(bytes);
}

/** A call of a getter with a buffer and its capacity. */
export type Get = (conn: u64, name: usize, nameLen: usize, buf: usize, cap: usize) => i32;

let last: i32 = Errno.OK;

/** Returns the error number of the last getter, or Errno.OK if it succeeded. */
export function lastError(): i32 {
  return last;
}

// The buffer of getters. It grows to the largest value.
let scratch = new ArrayBuffer(1024);

/** Calls a getter, and again with a larger buffer if the value did not fit. Returns the length, or -1 if it failed. */
function read(get: Get, conn: u64, name: ArrayBuffer): i32 {
  let n = get(conn, at(name), name.byteLength, at(scratch), scratch.byteLength);
  if (n > scratch.byteLength) {
    scratch = new ArrayBuffer(n);
    n = get(conn, at(name), name.byteLength, at(scratch), scratch.byteLength);
  }
  last = min(n, 0);
  return n < 0 ? -1 : n;
}

const nothing = new ArrayBuffer(0);

/** Returns the value of a getter as a string; null if it failed. */
export function getText(get: Get, conn: u64, name: string | null = null): string | null {
  const n = read(get, conn, name === null ? nothing : bytesOf(name));
  return n < 0 ? null : String.UTF8.decodeUnsafe(at(scratch), n);
}

/** Returns the value of a getter as bytes; null if it failed. */
export function getBytes(get: Get, conn: u64, name: string): Uint8Array | null {
  const n = read(get, conn, bytesOf(name));
  return n < 0 ? null : copy(at(scratch), n);
}

/** Returns the names of a list that a getter has joined by newlines; an empty list if it failed. */
export function getLines(get: Get, conn: u64, name: string | null = null): string[] {
  const text = getText(get, conn, name);
  return text === null || text.length == 0 ? [] : text.split("\n");
}

/** Returns a copy of memory. */
export function copy(ptr: usize, len: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>len);
  memory.copy(bytes.dataStart, ptr, len);
  return bytes;
}
