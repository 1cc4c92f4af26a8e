import { Conn } from "./conn";
import { Message } from "./message";
import { Target } from "./room";

/**
 * The logic of a channel. Every hook is atomic: its effects (sends, joins, writes and so on) happen if it returns
 * Errno.OK. If it returns anything else, none of them happens. After an exception the host replaces the instance.
 */
export abstract class Channel {
  /**
   * Receives the config of the route as JSON. Runs once in every new instance, before its first event. Its effects
   * happen in the first instance of a version only. If it fails, the host refuses the plugin or the new version.
   */
  onLoad(config: string): i32 { return 0; }

  /**
   * Decides about a connection before it is upgraded. Errno.OK accepts it; the results of refuse and refuseClose refuse
   * it. The target is the path and the query, as the client sent them. Messages to the connection are sent after the
   * upgrade.
   */
  onConnect(conn: Conn, target: string): i32 { return 0; }

  /** Handles a message. */
  onMessage(conn: Conn, message: Message): i32 { return 0; }

  /**
   * Runs exactly once for every accepted connection, whatever ended it. The code is 1006 if the connection ended
   * without one. The connection has left its rooms. conn.rooms and conn.user still return its last rooms and user.
   */
  onClose(conn: Conn, code: i32, reason: string): i32 { return 0; }
}

// Each hook below costs a call per event. A channel that implements the interface also exports the hook, for example
// with `export * from "azuhost/assembly/hooks/on_timer"`.

/** A channel that sets timers. */
export interface OnTimer {
  /** Runs when a timer is due. conn is null for a timer of the channel. */
  onTimer(conn: Conn | null, name: string): i32;
}

/** A channel that follows the presence of users. */
export interface OnPresence {
  /**
   * Runs when a user became present in a room (joined is true) or stopped being present. The room is empty for the
   * channel. A user stops being present when the grace of the route has passed since the last connection closed.
   */
  onPresence(room: string, user: string, joined: bool): i32;
}

/**
 * A channel that handles publications: messages that are published by the HTTP API, the command, or the program that
 * embeds the host.
 */
export interface OnPublish {
  /**
   * Handles a published message. The host does not deliver it: the hook sends it, for example with to.send, or refuses
   * it with refuse.
   */
  onPublish(to: Target, message: Message): i32;
}

/** A channel that receives pings. The host answers them. */
export interface OnPing {
  /** Receives the payload of a ping. */
  onPing(conn: Conn, payload: Uint8Array): i32;
}

/** A channel that receives pongs. */
export interface OnPong {
  /** Receives the payload of a pong. */
  onPong(conn: Conn, payload: Uint8Array): i32;
}
