import { Conn } from "./conn";
import { Message } from "./message";
import { Target } from "./room";

/**
 * The logic of a channel. Hooks return Errno.OK, or anything else, which undoes
 * what they asked for. An exception ends the instance; another takes its place.
 */
export abstract class Channel {
  /** Gets the config of the route as JSON. Runs once in every new instance, before its first event. */
  onLoad(config: string): i32 { return 0; }

  /**
   * Decides about a connection before it is upgraded: `return refuse(401)`. The
   * target is path and query as the client sent them. What is sent goes out after
   * the upgrade.
   */
  onConnect(conn: Conn, target: string): i32 { return 0; }

  /** Handles a message. */
  onMessage(conn: Conn, message: Message): i32 { return 0; }

  /**
   * Is called exactly once for every accepted connection, whatever ended it. The
   * code is 1006 where there was none. conn.rooms and conn.user still tell.
   */
  onClose(conn: Conn, code: i32, reason: string): i32 { return 0; }
}

// Each of the hooks below costs a call per event, and needs an export of its own:
// `export * from "azuhost/assembly/hooks/on_timer"` and so on.

/** A channel that sets timers. */
export interface OnTimer {
  /** Is called when a timer is due; conn is null for one of the channel. */
  onTimer(conn: Conn | null, name: string): i32;
}

/** A channel that wants to know who comes and goes. */
export interface OnPresence {
  /** A user became present in a room, or stopped being so; the room is empty for the channel. */
  onPresence(room: string, user: string, joined: bool): i32;
}

/** A channel that is in charge of what is published from outside. */
export interface OnPublish {
  /** Sends the message itself, changed, or with to.send, or refuses it: `return refuse(403)`. */
  onPublish(to: Target, message: Message): i32;
}

/** A channel that wants to see pings; the host has answered already. */
export interface OnPing {
  onPing(conn: Conn, payload: Uint8Array): i32;
}

/** A channel that wants to see pongs. */
export interface OnPong {
  onPong(conn: Conn, payload: Uint8Array): i32;
}
