/** What clients send and get: text is a string, binary is bytes. */
export type Message = string | Uint8Array;

/** What can be sent. */
export type Sendable = string | Uint8Array | ArrayBuffer;

/** Kinds of messages, as the host numbers them. */
export const text = 1;
export const binary = 2;

/** The bytes of a message that is no string. */
export function bytesOf(message: Uint8Array | ArrayBuffer): Uint8Array {
  if (message instanceof Uint8Array) return message;
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  throw new TypeError("a message is a string, a Uint8Array or an ArrayBuffer: use JSON.stringify, or sendJSON and broadcastJSON");
}
