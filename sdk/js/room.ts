import { type BroadcastOptions, type Conn, connectionByID } from "./conn";
import { AzuError, check, lines } from "./error";
import { binary, bytesOf, type Sendable, text } from "./message";
import * as raw from "./raw";

/** A room of the channel, known by its name. It exists as long as it has members. */
export class Room {
  // It is only declared, because QuickJS initializes the fields of a class in a call of its own.
  declare readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Sends a message to every member of the room. */
  broadcast(message: Sendable, options?: BroadcastOptions): void {
    const except = options?.except?.raw ?? 0;
    const result =
      typeof message === "string"
        ? raw.broadcast(this.name, text, message, except)
        : raw.broadcast(this.name, binary, bytesOf(message), except);
    if (result < 0) throw new AzuError(result, "broadcast");
  }

  /** Sends a value as JSON to every member of the room. */
  broadcastJSON(value: unknown, options?: BroadcastOptions): void {
    this.broadcast(JSON.stringify(value), options);
  }

  /** The number of connections in the room. */
  get size(): number {
    return check(raw.roomSize(this.name), "size");
  }

  /** Returns the connections in the room. */
  members(): Conn[] {
    const ids = raw.roomMembers(this.name, true);
    if (!(ids instanceof Uint8Array)) throw new AzuError(ids as number, "members");
    return Array.from(new BigUint64Array(ids.buffer), connectionByID);
  }

  /** Returns the users present in the room, sorted. */
  users(): string[] {
    return lines(raw.roomUsers(this.name, false), "users");
  }
}

/** Returns the room with a name. */
export function room(name: string): Room {
  return new Room(name);
}
