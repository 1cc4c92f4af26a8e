import type { Conn } from "./conn";
import type { Message } from "./message";

/** What a hook may give: nothing, or a promise that settles before the hook ends. */
export type Done = void | Promise<void>;

/** A user came or went. */
export interface Presence {
  /** The room; undefined for the channel. */
  room: string | undefined;
  user: string;
  /** True: became present. False: is so no more. */
  joined: boolean;
}

/** Whom a message from outside is for. */
export interface Target {
  kind: "room" | "user" | "all";
  /** Of the room or the user; "" for all. */
  name: string;
}

/**
 * The hooks of a channel: the default export of a plugin, or exported functions of these names. Only those that are there
 * are called. A hook that throws fails: nothing of what it asked for happens.
 */
export interface Channel<Config = any> {
  /** Once in every new instance, with the route's config. */
  onLoad?(config: Config): Done;
  /** A client wants to connect. refuse() turns it away. */
  onConnect?(conn: Conn): Done;
  onMessage?(conn: Conn, message: Message): Done;
  /** Exactly once for every connection that was accepted. */
  onClose?(conn: Conn, code: number, reason: string): Done;
  /** What setTimer asked for; conn is undefined for a timer of the channel. */
  onTimer?(name: string, conn: Conn | undefined): Done;
  onPing?(conn: Conn, payload: Uint8Array): Done;
  onPong?(conn: Conn, payload: Uint8Array): Done;
  onPresence?(event: Presence): Done;
  /**
   * A message that was published from outside: by the HTTP API, the CLI or the program around the host. The channel is in
   * charge: what the hook asks for happens, and nothing else. refuse(400 to 599) answers the one who published.
   */
  onPublish?(to: Target, message: Message): Done;
}
