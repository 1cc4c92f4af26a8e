/** A received message: a string for text, bytes for binary data. */
export type Message = string | Uint8Array;

/** A message to be sent: a string for text, bytes for binary data. */
export type Sendable = string | Uint8Array | ArrayBuffer;

/** The kinds of messages in sdk/ABI.md. */
export const text = 1;
export const binary = 2;

/** Returns the bytes of a binary message. Throws for other values. */
export function bytesOf(message: Uint8Array | ArrayBuffer): Uint8Array {
  if (message instanceof Uint8Array) return message;
  if (message instanceof ArrayBuffer) return new Uint8Array(message);
  throw new TypeError(
    "a message is a string, a Uint8Array or an ArrayBuffer: send other values with sendJSON or broadcastJSON",
  );
}
