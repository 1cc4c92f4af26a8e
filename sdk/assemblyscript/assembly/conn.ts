import { Message } from "./message";
import * as raw from "./raw";
import { at, bytesOf, getBytes, getLines, getText } from "./text";

/**
 * A connection of the channel, known by its id. Once it is gone its methods
 * answer Errno.NOT_FOUND; ids are not used again. Methods return Errno.OK or an
 * error number; those that give something give null where they fail, and
 * lastError() tells why.
 */
@final
export class Conn {
  constructor(public readonly id: u64) {}

  /** Sends a message to the connection. */
  send(message: Message): i32 {
    return raw.send(this.id, message.kind, message.ptr, message.length);
  }

  /** Sends a text message to the connection. */
  sendText(text: string): i32 {
    return this.send(Message.text(text));
  }

  /**
   * Closes the connection after what was sent to it before, with 1000, 1001, 1003,
   * 1007 to 1013, or 3000 to 4999. The reason is at most 123 bytes.
   */
  close(code: i32 = 1000, reason: string = ""): i32 {
    const b = bytesOf(reason);
    return raw.close(this.id, code, at(b), b.byteLength);
  }

  /** Makes the connection a member of a room. Rooms need not be made. */
  join(room: string): i32 {
    const b = bytesOf(room);
    return raw.join(this.id, at(b), b.byteLength);
  }

  /** Ends the membership in a room. */
  leave(room: string): i32 {
    const b = bytesOf(room);
    return raw.leave(this.id, at(b), b.byteLength);
  }

  /** The rooms of the connection, in the order of joining. */
  get rooms(): string[] {
    return getLines((conn, _n, _l, buf, cap) => raw.rooms(conn, buf, cap), this.id);
  }

  /**
   * Says which user the connection belongs to; an empty name takes it back. Who the
   * user is has to be proved to the plugin: the host believes it.
   */
  identify(user: string): i32 {
    const b = bytesOf(user);
    return raw.identify(this.id, at(b), b.byteLength);
  }

  /** Whom the connection belongs to; empty where it is nobody. */
  get user(): string {
    return getText((conn, _n, _l, buf, cap) => raw.user(conn, buf, cap), this.id) || "";
  }

  /** A parameter of the path: "/rooms/:room_id" has "room_id". */
  param(name: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.param(conn, n, l, buf, cap), this.id, name);
  }

  /** The first query parameter of this name, decoded; in onConnect only. */
  query(name: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.query(conn, n, l, buf, cap), this.id, name);
  }

  /** A header of the request; in onConnect only. */
  header(name: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.header(conn, n, l, buf, cap), this.id, name);
  }

  /** The client's IP address, without the port. */
  get remoteAddr(): string {
    return getText((conn, _n, _l, buf, cap) => raw.remote_addr(conn, buf, cap), this.id) || "";
  }

  /** What client and host agreed on; empty where it is nothing. */
  get subprotocol(): string {
    return getText((conn, _n, _l, buf, cap) => raw.subprotocol(conn, buf, cap), this.id) || "";
  }

  /** The claims of the connection's verified token, as JSON. */
  get claims(): string | null {
    return getText((conn, _n, _l, buf, cap) => raw.claims(conn, buf, cap), this.id);
  }

  /** What setValue keeps under a key. */
  value(key: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.value_get(conn, n, l, buf, cap), this.id, key);
  }

  /** What setValue keeps under a key, as bytes. */
  valueBytes(key: string): Uint8Array | null {
    return getBytes((conn, n, l, buf, cap) => raw.value_get(conn, n, l, buf, cap), this.id, key);
  }

  /**
   * Keeps a value with the connection, for as long as it lives: in the host, so
   * that every instance and every version of the plugin finds it.
   */
  setValue(key: string, value: string): i32 {
    const k = bytesOf(key), v = bytesOf(value);
    return raw.value_set(this.id, at(k), k.byteLength, at(v), v.byteLength);
  }

  /** Forgets a value. */
  deleteValue(key: string): i32 {
    const k = bytesOf(key);
    return raw.value_delete(this.id, at(k), k.byteLength);
  }

  /** Has onTimer called once with this connection, in so many milliseconds. The same name again sets it anew. */
  setTimer(name: string, after: i64): i32 {
    const b = bytesOf(name);
    return raw.timer_set(this.id, at(b), b.byteLength, after);
  }

  /** Clears a timer. */
  clearTimer(name: string): i32 {
    const b = bytesOf(name);
    return raw.timer_clear(this.id, at(b), b.byteLength);
  }
}
