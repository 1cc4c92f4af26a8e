import { type BroadcastOptions, Conn } from "./conn";
import { AzuError, check, lines } from "./error";
import { type Sendable, sending } from "./message";
import * as raw from "./raw";

/** A room of the channel. It exists as long as it has members. */
export class Room {
  constructor(readonly name: string) {}

  /** Sends a message to every member. */
  broadcast(message: Sendable, options?: BroadcastOptions): void {
    const except = options?.except?.raw ?? 0;
    check(sending(message, (kind, data) => raw.broadcast(this.name, kind, data, except)), "broadcast");
  }

  /** Sends a value as JSON to every member. */
  broadcastJSON(value: unknown, options?: BroadcastOptions): void {
    this.broadcast(JSON.stringify(value), options);
  }

  /** How many connections are in the room. */
  get size(): number {
    return check(raw.roomSize(this.name), "size");
  }

  /** The connections in the room. */
  members(): Conn[] {
    const ids = raw.roomMembers(this.name, true);
    if (!(ids instanceof Uint8Array)) throw new AzuError(ids as number, "members");
    return Array.from(new BigUint64Array(ids.buffer), (id) => new Conn(id <= Number.MAX_SAFE_INTEGER ? Number(id) : id));
  }

  /** The users present in the room, sorted. */
  users(): string[] {
    return lines(raw.roomUsers(this.name, false), "users");
  }
}

/** Names a room. */
export function room(name: string): Room {
  return new Room(name);
}
