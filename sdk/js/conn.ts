import { AzuError, check, found, lines, millis, notFound } from "./error";
import { binary, bytesOf, type Message, type Sendable, text } from "./message";
import * as raw from "./raw";

/** The request target while onConnect runs. */
let target: string | undefined;

/** @internal */
export function connecting(t: string | undefined): void {
  target = t;
}

/**
 * A connection of the channel. Objects are made anew for each event: compare connections by id, and keep what belongs
 * to one with set(). Once it is gone, methods throw NOT_FOUND.
 */
export class Conn {
  /** @internal Only declared: a field would be a call of its own for each object. */
  declare readonly raw: raw.ID;

  /** @internal */
  constructor(id: raw.ID) {
    this.raw = id;
  }

  /** Names the connection within its channel on this node. Never used again. */
  get id(): string {
    return String(this.raw);
  }

  /** Sends a message: text for a string, binary for bytes. */
  send(message: Sendable): void {
    const result = typeof message === "string" ? raw.send(this.raw, text, message) : raw.send(this.raw, binary, bytesOf(message));
    if (result < 0) throw new AzuError(result, "send");
  }

  /** Sends a value as JSON. */
  sendJSON(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  /** Closes the connection, after what was sent to it. code is 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999. */
  close(code = 1000, reason = ""): void {
    check(raw.close(this.raw, code, reason), "close");
  }

  /** Makes the connection a member of a room. Rooms need not be made; joining again does nothing. */
  join(room: string): void {
    check(raw.join(this.raw, room), "join");
  }

  /** Ends the membership in a room. A connection that goes leaves its rooms by itself. */
  leave(room: string): void {
    check(raw.leave(this.raw, room), "leave");
  }

  /** The rooms of the connection, in the order of joining. */
  rooms(): string[] {
    return lines(raw.rooms(this.raw, false), "rooms");
  }

  /** Says which user the connection belongs to; "" takes it back. The host believes it, so have it proved. */
  identify(user: string): void {
    check(raw.identify(this.raw, user), "identify");
  }

  /** The user that it belongs to; undefined if nobody. */
  get user(): string | undefined {
    return found<string>(raw.user(this.raw, false), "user") || undefined;
  }

  /** A parameter of the path: "room_id" of /rooms/:room_id. */
  param(name: string): string | undefined {
    return found<string>(raw.param(this.raw, name, false), "param");
  }

  /** The first query parameter of this name, decoded; in onConnect only. */
  query(name: string): string | undefined {
    return found<string>(raw.query(this.raw, name, false), "query");
  }

  /** A header of the request, several joined by ", "; in onConnect only. */
  header(name: string): string | undefined {
    return found<string>(raw.header(this.raw, name, false), "header");
  }

  /** The path, and ? with the query where there is one, as the client sent it; in onConnect only. */
  get target(): string {
    if (target === undefined) throw new AzuError(-5, "target");
    return target;
  }

  /** What the connection's token says, once it is verified; undefined where there is none. */
  claims<T = Record<string, unknown>>(): T | undefined {
    const json = found<string>(raw.claims(this.raw, false), "claims");
    return json === undefined ? undefined : (JSON.parse(json) as T);
  }

  /** The client's IP address. */
  get remoteAddr(): string {
    return found<string>(raw.remoteAddr(this.raw, false), "remoteAddr") ?? "";
  }

  /** What client and host agreed on; undefined if nothing. */
  get subprotocol(): string | undefined {
    return found<string>(raw.subprotocol(this.raw, false), "subprotocol") || undefined;
  }

  /** A value kept with the connection. */
  get(key: string): string | undefined {
    return found<string>(raw.valueGet(this.raw, key, false), "get");
  }

  /** A value, as bytes. */
  getBytes(key: string): Uint8Array | undefined {
    return found<Uint8Array>(raw.valueGet(this.raw, key, true), "getBytes");
  }

  /** Keeps a value with the connection for as long as it lives: in the host, where new versions find it. */
  set(key: string, value: Message): void {
    check(raw.valueSet(this.raw, key, value), "set");
  }

  /** Forgets a value. False if there was none. */
  delete(key: string): boolean {
    return done(raw.valueDelete(this.raw, key), "delete");
  }

  /** Has onTimer called once, so many milliseconds from now. The same name again sets it anew; it ends with the connection. */
  setTimer(name: string, ms: number): void {
    check(raw.timerSet(this.raw, name, millis(ms, "setTimer")), "setTimer");
  }

  /** Clears a timer. False if there was none. */
  clearTimer(name: string): boolean {
    return done(raw.timerClear(this.raw, name), "clearTimer");
  }
}

/** Names a connection by its id, such as one kept in the store. It may be gone. */
export function connection(id: string): Conn {
  const n = BigInt(id);
  return new Conn(n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n);
}

/** False for NOT_FOUND; other errors are thrown. */
export function done(result: number, what: string): boolean {
  return result === notFound ? false : check(result, what) >= 0;
}

/** The arguments of a broadcast. */
export interface BroadcastOptions {
  /** Who does not get it. */
  except?: Conn;
}

/** Sends a message to every connection of the channel. */
export function broadcast(message: Sendable, options?: BroadcastOptions): void {
  const except = options?.except?.raw ?? 0;
  check(typeof message === "string" ? raw.broadcastAll(text, message, except) : raw.broadcastAll(binary, bytesOf(message), except), "broadcast");
}

/** Sends a value as JSON to every connection of the channel. */
export function broadcastJSON(value: unknown, options?: BroadcastOptions): void {
  broadcast(JSON.stringify(value), options);
}
