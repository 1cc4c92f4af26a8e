import type { Conn } from "./conn";
import type { Message } from "./message";

/** The result of a hook: nothing, or a promise. The promise must settle before the hook ends. */
export type Done = void | Promise<void>;

/** A change of presence: a user joined or left. */
export interface Presence {
  /** The room; undefined for the channel. */
  room: string | undefined;
  user: string;
  /** True if the user became present, false if the user stopped being present. */
  joined: boolean;
}

/** The target of a publication. */
export interface Target {
  kind: "room" | "user" | "all";
  /** The name of the room or of the user; "" for all. */
  name: string;
}

/**
 * The hooks of a channel. They are methods of the default export of a plugin, or exported functions with these names.
 * All are optional. A hook is atomic: if it throws, none of its effects (sends, joins, writes and so on) happens.
 */
export interface Channel<Config = any> {
  /**
   * Receives the config of the route. Runs once in every new instance, before its first event. Its effects happen in
   * the first instance of a version only. If it throws, the host refuses the plugin or the new version.
   */
  onLoad?(config: Config): Done;
  /**
   * Decides about a connection before it is upgraded. refuse() refuses it. Messages to it are sent after the upgrade.
   */
  onConnect?(conn: Conn): Done;
  /** Handles a message: a string for text, a Uint8Array for binary data. */
  onMessage?(conn: Conn, message: Message): Done;
  /**
   * Runs exactly once for every accepted connection, whatever ended it. code is 1006 if the connection ended without
   * one. The connection has left its rooms. conn.rooms() and conn.user still return its last rooms and user.
   */
  onClose?(conn: Conn, code: number, reason: string): Done;
  /** Runs when a timer of setTimer is due. conn is undefined for a timer of the channel. */
  onTimer?(name: string, conn: Conn | undefined): Done;
  /** Receives the payload of a ping. The host has answered the ping. */
  onPing?(conn: Conn, payload: Uint8Array): Done;
  /** Receives the payload of a pong. */
  onPong?(conn: Conn, payload: Uint8Array): Done;
  /** Runs when a user joined or left the channel or a room. A user leaves when the grace of the route has passed. */
  onPresence?(event: Presence): Done;
  /**
   * Handles a message that was published by the HTTP API, the command or the program that embeds the host. The host
   * does not deliver the message: the hook sends it. refuse() with a status from 400 to 599 refuses the publication.
   */
  onPublish?(to: Target, message: Message): Done;
}
