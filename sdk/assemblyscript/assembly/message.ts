import { copy } from "./text";

/** The kind of a message. */
export enum Kind {
  Text = 1,
  Binary = 2,
}

/** A message of a WebSocket, received or to be sent. One that a hook gets is valid until it returns. */
export class Message {
  // What is received lies in the inbox; of what is to be sent this keeps the bytes.
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

  /** Says whether it is a text message. */
  get isText(): bool {
    return this.kind == Kind.Text;
  }

  /** The data as a string. */
  toString(): string {
    return String.UTF8.decodeUnsafe(this.ptr, this.length);
  }

  /** The data, copied. */
  bytes(): Uint8Array {
    return copy(this.ptr, this.length);
  }
}
