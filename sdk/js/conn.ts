import { AzuError, check, found, lines, millis, notFound } from "./error";
import { binary, bytesOf, type Message, type Sendable, text } from "./message";
import * as raw from "./raw";

/** The request target while onConnect runs. */
let target: string | undefined;

/** @internal Sets the request target of the running onConnect; undefined when it ends. */
export function setTarget(t: string | undefined): void {
  target = t;
}

/**
 * A connection of the channel. Each event has a new object: compare connections by id, and keep state of a connection
 * with set(). After the connection has closed, methods throw NOT_FOUND.
 */
export class Conn {
  /** @internal It is only declared, because QuickJS initializes the fields of a class in a call of its own. */
  declare readonly raw: raw.ID;

  /** @internal */
  constructor(id: raw.ID) {
    this.raw = id;
  }

  /** The id of the connection, unique in its channel on this node. Ids are not reused. */
  get id(): string {
    return String(this.raw);
  }

  /** Sends a message: a string as text, bytes as binary data. */
  send(message: Sendable): void {
    const result =
      typeof message === "string" ? raw.send(this.raw, text, message) : raw.send(this.raw, binary, bytesOf(message));
    if (result < 0) throw new AzuError(result, "send");
  }

  /** Sends a value as JSON. */
  sendJSON(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  /**
   * Closes the connection after the messages that were sent to it before. code is 1000, 1001, 1003, 1007 to 1013, or
   * 3000 to 4999. reason has at most 123 bytes.
   */
  close(code = 1000, reason = ""): void {
    check(raw.close(this.raw, code, reason), "close");
  }

  /** Makes the connection a member of a room. Does nothing if it is a member already. */
  join(room: string): void {
    check(raw.join(this.raw, room), "join");
  }

  /** Ends the membership in a room. Does nothing if it is not a member. A connection that closes leaves its rooms. */
  leave(room: string): void {
    check(raw.leave(this.raw, room), "leave");
  }

  /** Returns the rooms of the connection, in the order of joining. */
  rooms(): string[] {
    return lines(raw.rooms(this.raw, false), "rooms");
  }

  /** Sets the user of the connection; "" removes it. The host does not verify the user, so the plugin must. */
  identify(user: string): void {
    check(raw.identify(this.raw, user), "identify");
  }

  /** The user of the connection; undefined if there is none. */
  get user(): string | undefined {
    return found<string>(raw.user(this.raw, false), "user") || undefined;
  }

  /** Returns a parameter of the path: the path "/rooms/:room_id" has the parameter "room_id". */
  param(name: string): string | undefined {
    return found<string>(raw.param(this.raw, name, false), "param");
  }

  /** Returns the first query parameter of this name, decoded. Throws STATE outside of onConnect. */
  query(name: string): string | undefined {
    return found<string>(raw.query(this.raw, name, false), "query");
  }

  /** Returns a header of the request; repeated ones are joined by ", ". Throws STATE outside of onConnect. */
  header(name: string): string | undefined {
    return found<string>(raw.header(this.raw, name, false), "header");
  }

  /** The path and, if there is one, ? and the query, as the client sent them. Throws STATE outside of onConnect. */
  get target(): string {
    if (target === undefined) throw new AzuError(-5, "target");
    return target;
  }

  /** Returns the claims of the connection's verified token; undefined if there is no token. */
  claims<T = Record<string, unknown>>(): T | undefined {
    const json = found<string>(raw.claims(this.raw, false), "claims");
    return json === undefined ? undefined : (JSON.parse(json) as T);
  }

  /** The IP address of the client, without the port. */
  get remoteAddr(): string {
    return found<string>(raw.remoteAddr(this.raw, false), "remoteAddr") ?? "";
  }

  /** The agreed subprotocol; undefined if there is none. */
  get subprotocol(): string | undefined {
    return found<string>(raw.subprotocol(this.raw, false), "subprotocol") || undefined;
  }

  /** Returns a value of the connection; undefined if there is none. */
  get(key: string): string | undefined {
    return found<string>(raw.valueGet(this.raw, key, false), "get");
  }

  /** Returns a value of the connection as bytes; undefined if there is none. */
  getBytes(key: string): Uint8Array | undefined {
    return found<Uint8Array>(raw.valueGet(this.raw, key, true), "getBytes");
  }

  /**
   * Sets a value for the life of the connection. The host keeps it: all instances and versions of the plugin share
   * it.
   */
  set(key: string, value: Message): void {
    check(raw.valueSet(this.raw, key, value), "set");
  }

  /** Deletes a value. Returns false if there was none. */
  delete(key: string): boolean {
    return done(raw.valueDelete(this.raw, key), "delete");
  }

  /**
   * Sets a timer: the host calls onTimer once, ms milliseconds from now. A timer with the same name is replaced. The
   * timer ends with the connection.
   */
  setTimer(name: string, ms: number): void {
    check(raw.timerSet(this.raw, name, millis(ms, "setTimer")), "setTimer");
  }

  /** Clears a timer. Returns false if there was none. */
  clearTimer(name: string): boolean {
    return done(raw.timerClear(this.raw, name), "clearTimer");
  }
}

/** Returns the connection with an id, such as one kept in the store. It may have closed. */
export function connection(id: string): Conn {
  return connectionByID(BigInt(id));
}

/** @internal Returns the connection with an id of the ABI. */
export function connectionByID(id: bigint): Conn {
  return new Conn(id <= Number.MAX_SAFE_INTEGER ? Number(id) : id);
}

/** Returns true for a success and false for NOT_FOUND. Throws other errors. */
export function done(result: number, caller: string): boolean {
  return result === notFound ? false : check(result, caller) >= 0;
}

/** The options of a broadcast. */
export interface BroadcastOptions {
  /** A connection that does not receive the message. */
  except?: Conn;
}

/** Sends a message to every connection of the channel. */
export function broadcast(message: Sendable, options?: BroadcastOptions): void {
  const except = options?.except?.raw ?? 0;
  const result =
    typeof message === "string"
      ? raw.broadcastAll(text, message, except)
      : raw.broadcastAll(binary, bytesOf(message), except);
  check(result, "broadcast");
}

/** Sends a value as JSON to every connection of the channel. */
export function broadcastJSON(value: unknown, options?: BroadcastOptions): void {
  broadcast(JSON.stringify(value), options);
}
