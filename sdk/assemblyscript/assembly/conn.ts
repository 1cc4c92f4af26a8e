import { Message } from "./message";
import * as raw from "./raw";
import { at, bytesOf, getBytes, getLines, getText } from "./text";

/**
 * A connection of the channel, known by its id. After it has closed, methods fail with Errno.NOT_FOUND. Ids are not
 * reused. Methods with effects return Errno.OK or an error number. Getters return null, an empty string or an empty
 * list if they fail; lastError() returns the error number.
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
   * Closes the connection after the messages that were sent to it before. The code is 1000, 1001, 1003, 1007 to 1013,
   * or 3000 to 4999. The reason is at most 123 bytes.
   */
  close(code: i32 = 1000, reason: string = ""): i32 {
    const b = bytesOf(reason);
    return raw.close(this.id, code, at(b), b.byteLength);
  }

  /** Makes the connection a member of a room. A room exists as long as it has members. */
  join(room: string): i32 {
    const b = bytesOf(room);
    return raw.join(this.id, at(b), b.byteLength);
  }

  /** Ends the membership in a room. A connection that closes leaves its rooms. */
  leave(room: string): i32 {
    const b = bytesOf(room);
    return raw.leave(this.id, at(b), b.byteLength);
  }

  /** Returns the rooms of the connection, in the order of joining. */
  get rooms(): string[] {
    return getLines((conn, _n, _l, buf, cap) => raw.rooms(conn, buf, cap), this.id);
  }

  /**
   * Sets the user of the connection. An empty name removes it. The host does not verify the user, so the plugin must.
   */
  identify(user: string): i32 {
    const b = bytesOf(user);
    return raw.identify(this.id, at(b), b.byteLength);
  }

  /** Returns the user of the connection: empty if it has none. */
  get user(): string {
    return getText((conn, _n, _l, buf, cap) => raw.user(conn, buf, cap), this.id) || "";
  }

  /** Returns a parameter of the path: the path "/rooms/:room_id" has the parameter "room_id". */
  param(name: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.param(conn, n, l, buf, cap), this.id, name);
  }

  /** Returns the first query parameter of this name, decoded. Outside of onConnect it fails with Errno.STATE. */
  query(name: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.query(conn, n, l, buf, cap), this.id, name);
  }

  /**
   * Returns a header of the request. The values of a repeated header are joined by ", ". Outside of onConnect it fails
   * with Errno.STATE.
   */
  header(name: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.header(conn, n, l, buf, cap), this.id, name);
  }

  /** Returns the IP address of the client, without the port. */
  get remoteAddr(): string {
    return getText((conn, _n, _l, buf, cap) => raw.remote_addr(conn, buf, cap), this.id) || "";
  }

  /** Returns the agreed subprotocol: empty if there is none. */
  get subprotocol(): string {
    return getText((conn, _n, _l, buf, cap) => raw.subprotocol(conn, buf, cap), this.id) || "";
  }

  /** Returns the claims of the connection's verified token, as JSON; null if there is no token. */
  get claims(): string | null {
    return getText((conn, _n, _l, buf, cap) => raw.claims(conn, buf, cap), this.id);
  }

  /** Returns the value that setValue has set; null if there is none. */
  value(key: string): string | null {
    return getText((conn, n, l, buf, cap) => raw.value_get(conn, n, l, buf, cap), this.id, key);
  }

  /** Returns the value that setValue has set, as bytes; null if there is none. */
  valueBytes(key: string): Uint8Array | null {
    return getBytes((conn, n, l, buf, cap) => raw.value_get(conn, n, l, buf, cap), this.id, key);
  }

  /**
   * Sets a value of the connection, for the life of the connection. The host keeps it: all instances and versions of
   * the plugin share it.
   */
  setValue(key: string, value: string): i32 {
    const k = bytesOf(key), v = bytesOf(value);
    return raw.value_set(this.id, at(k), k.byteLength, at(v), v.byteLength);
  }

  /** Deletes a value. Returns Errno.NOT_FOUND if there is none. */
  deleteValue(key: string): i32 {
    const k = bytesOf(key);
    return raw.value_delete(this.id, at(k), k.byteLength);
  }

  /**
   * Sets a timer: the host calls onTimer once with this connection, when the time after, in milliseconds, has passed. A
   * timer with the same name is replaced. The timer ends with the connection.
   */
  setTimer(name: string, after: i64): i32 {
    const b = bytesOf(name);
    return raw.timer_set(this.id, at(b), b.byteLength, after);
  }

  /** Clears a timer. Returns Errno.NOT_FOUND if there is none. */
  clearTimer(name: string): i32 {
    const b = bytesOf(name);
    return raw.timer_clear(this.id, at(b), b.byteLength);
  }
}
