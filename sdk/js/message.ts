import type { Data } from "./raw";

/** What clients send and get: text is a string, binary is bytes. */
export type Message = string | Uint8Array;

/** What can be sent. */
export type Sendable = string | Uint8Array | ArrayBuffer;

/** Calls f with the kind of a message and its bytes. */
export function sending(message: Sendable, f: (kind: number, data: Data) => number): number {
  if (typeof message === "string") return f(1, message);
  if (message instanceof Uint8Array) return f(2, message);
  if (message instanceof ArrayBuffer) return f(2, new Uint8Array(message));
  throw new TypeError("a message is a string, a Uint8Array or an ArrayBuffer: use JSON.stringify, or sendJSON and broadcastJSON");
}
