import { check, joined, lines } from "./error";
import { binary, bytesOf, type Sendable, text } from "./message";
import * as raw from "./raw";

/** A user of the channel, by the name given to conn.identify. */
export class User {
  constructor(readonly name: string) {}

  /** Sends a message to every connection of the user. To one that is not there it sends nothing, which is no error. */
  send(message: Sendable): void {
    check(typeof message === "string" ? raw.sendUser(this.name, text, message) : raw.sendUser(this.name, binary, bytesOf(message)), "send");
  }

  /** Sends a value as JSON. */
  sendJSON(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  /** Whether the user is present: connected, or gone for less than the grace of the route. */
  get online(): boolean {
    return check(raw.online(this.name), "online") === 1;
  }
}

/** Names a user. */
export function user(name: string): User {
  return new User(name);
}

/** The users present in the channel, sorted. */
export function users(): string[] {
  return lines(raw.users(false), "users");
}

/** Sends a message to every connection of some users. */
export function sendUsers(names: string[], message: Sendable): void {
  if (names.length === 0) return;
  const list = joined(names, "sendUsers");
  check(typeof message === "string" ? raw.sendUsers(list, text, message) : raw.sendUsers(list, binary, bytesOf(message)), "sendUsers");
}
