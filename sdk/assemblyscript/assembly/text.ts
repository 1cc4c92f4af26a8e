// Between strings, which are UTF-16, and the bytes of the host.

import { Errno } from "./errno";

/** Gives the bytes of a text as UTF-8. */
// @ts-ignore: decorator
@inline export function bytesOf(text: string): ArrayBuffer {
  return String.UTF8.encode(text);
}

// @ts-ignore: decorator
@inline export function at(bytes: ArrayBuffer): usize {
  return changetype<usize>(bytes);
}

/** A call of a getter with a buffer and its capacity. */
export type Get = (conn: u64, name: usize, nameLen: usize, buf: usize, cap: usize) => i32;

let last: i32 = Errno.OK;

/** Why the last function failed that gives null, or Errno.OK. */
export function lastError(): i32 {
  return last;
}

let scratch = new ArrayBuffer(1024);

/** Asks a getter, and again with a larger buffer if it says so. -1: it failed. */
function ask(get: Get, conn: u64, name: ArrayBuffer): i32 {
  let n = get(conn, at(name), name.byteLength, at(scratch), scratch.byteLength);
  if (n > scratch.byteLength) {
    scratch = new ArrayBuffer(n);
    n = get(conn, at(name), name.byteLength, at(scratch), scratch.byteLength);
  }
  last = min(n, 0);
  return n < 0 ? -1 : n;
}

const nothing = new ArrayBuffer(0);

export function getText(get: Get, conn: u64, name: string | null = null): string | null {
  const n = ask(get, conn, name === null ? nothing : bytesOf(name));
  return n < 0 ? null : String.UTF8.decodeUnsafe(at(scratch), n);
}

export function getBytes(get: Get, conn: u64, name: string): Uint8Array | null {
  const n = ask(get, conn, bytesOf(name));
  return n < 0 ? null : copy(at(scratch), n);
}

/** Gives the names that a getter lists, one a line; none where it fails. */
export function getLines(get: Get, conn: u64, name: string | null = null): string[] {
  const text = getText(get, conn, name);
  return text === null || text.length == 0 ? [] : text.split("\n");
}

export function copy(ptr: usize, len: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>len);
  memory.copy(bytes.dataStart, ptr, len);
  return bytes;
}
