import { check, joined, lines } from "./error";
import { binary, bytesOf, type Sendable, text } from "./message";
import * as raw from "./raw";

/** A user of the channel, known by the name that conn.identify set. */
export class User {
  constructor(readonly name: string) {}

  /** Sends a message to every connection of the user. Does nothing if there is none. */
  send(message: Sendable): void {
    const result =
      typeof message === "string"
        ? raw.sendUser(this.name, text, message)
        : raw.sendUser(this.name, binary, bytesOf(message));
    check(result, "send");
  }

  /** Sends a value as JSON to every connection of the user. */
  sendJSON(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  /** True if the user is present: connected, or within the grace of the route after the last connection. */
  get online(): boolean {
    return check(raw.online(this.name), "online") === 1;
  }
}

/** Returns the user with a name. */
export function user(name: string): User {
  return new User(name);
}

/** Returns the users present in the channel, sorted. */
export function users(): string[] {
  return lines(raw.users(false), "users");
}

/** Sends a message to every connection of several users. */
export function sendUsers(names: string[], message: Sendable): void {
  if (names.length === 0) return;
  const list = joined(names, "sendUsers");
  const result =
    typeof message === "string" ? raw.sendUsers(list, text, message) : raw.sendUsers(list, binary, bytesOf(message));
  check(result, "sendUsers");
}
