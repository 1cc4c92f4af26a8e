import { Conn } from "./conn";
import { Errno } from "./errno";
import { Message } from "./message";
import * as raw from "./raw";
import { at, bytesOf, getBytes, getLines } from "./text";

/** A room of the channel, known by its name. Rooms of different routes are independent, even with the same name. */
@final
export class Room {
  constructor(public readonly name: string) {}

  /** Sends a message to every member of the room, except one connection if it is given. */
  broadcast(message: Message, except: Conn | null = null): i32 {
    const b = bytesOf(this.name);
    return raw.broadcast(at(b), b.byteLength, message.kind, message.ptr, message.length, except ? except.id : 0);
  }

  /** Returns the number of connections in the room, or an error number. */
  get size(): i32 {
    const b = bytesOf(this.name);
    return raw.room_size(at(b), b.byteLength);
  }

  /** Returns the connections in the room. */
  get members(): Conn[] {
    const list: Conn[] = [];
    const ids = getBytes((_c, n, l, buf, cap) => raw.room_members(n, l, buf, cap), 0, this.name);
    if (ids) for (let i = 0; i < ids.length; i += 8) list.push(new Conn(load<u64>(ids.dataStart + i)));
    return list;
  }

  /** Returns the users present in the room, sorted. */
  get users(): string[] {
    return getLines((_c, n, l, buf, cap) => raw.room_users(n, l, buf, cap), 0, this.name);
  }
}

/** Sends a message to every connection of the channel, except one if it is given. */
export function broadcast(message: Message, except: Conn | null = null): i32 {
  return raw.broadcast_all(message.kind, message.ptr, message.length, except ? except.id : 0);
}

/** A user of the channel, known by the name that conn.identify set. */
@final
export class User {
  constructor(public readonly name: string) {}

  /** Sends a message to every connection of the user. Does nothing if there is none. */
  send(message: Message): i32 {
    const b = bytesOf(this.name);
    return raw.send_user(at(b), b.byteLength, message.kind, message.ptr, message.length);
  }

  /** Returns true if the user is present: connected, or within the grace of the route after the last connection. */
  get online(): bool {
    const b = bytesOf(this.name);
    return raw.online(at(b), b.byteLength) == 1;
  }
}

/** Sends a message to every connection of several users. */
export function sendUsers(users: string[], message: Message): i32 {
  if (users.length == 0) return Errno.OK;
  for (let i = 0; i < users.length; i++) {
    if (users[i].length == 0 || users[i].includes("\n")) return Errno.INVALID;
  }
  const b = bytesOf(users.join("\n"));
  return raw.send_users(at(b), b.byteLength, message.kind, message.ptr, message.length);
}

/** Returns the users present in the channel, sorted. */
export function users(): string[] {
  return getLines((_c, _n, _l, buf, cap) => raw.users(buf, cap), 0);
}

/** The target of a publication: a room, a user, or all connections of the channel if both are null. */
@final
export class Target {
  constructor(public readonly room: Room | null, public readonly user: User | null) {}

  /** Sends a message to the target. */
  send(message: Message): i32 {
    const room = this.room, user = this.user;
    if (room) return room.broadcast(message);
    return user ? user.send(message) : broadcast(message);
  }
}
