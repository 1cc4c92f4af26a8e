import { copy } from "./text";

/** The kind of a message. */
export enum Kind {
  Text = 1,
  Binary = 2,
}

/** A WebSocket message, received or to be sent. A message that a hook receives is valid until the hook returns. */
export class Message {
  // Keeps the bytes of a message to be sent from the garbage collector. Those of a received message are in the inbox.
  private kept: ArrayBuffer | null = null;

  constructor(public kind: Kind, public ptr: usize = 0, public length: i32 = 0) {}

  /** Makes a text message. */
  static text(text: string): Message {
    return Message.of(Kind.Text, String.UTF8.encode(text));
  }

  /** Makes a binary message. */
  static binary(bytes: Uint8Array): Message {
    const m = Message.of(Kind.Binary, bytes.buffer);
    m.ptr = bytes.dataStart;
    m.length = bytes.length;
    return m;
  }

  private static of(kind: Kind, bytes: ArrayBuffer): Message {
    const m = new Message(kind, changetype<usize>(bytes), bytes.byteLength);
    m.kept = bytes;
    return m;
  }

  /** Returns true for a text message. */
  get isText(): bool {
    return this.kind == Kind.Text;
  }

  /** Returns the data, decoded as UTF-8. */
  toString(): string {
    return String.UTF8.decodeUnsafe(this.ptr, this.length);
  }

  /** Returns a copy of the data. */
  bytes(): Uint8Array {
    return copy(this.ptr, this.length);
  }
}
