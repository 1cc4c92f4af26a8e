/** The SDK for JavaScript and TypeScript: the logic of azuhost's real-time channels. */
export type { Channel, Done, Presence, Target } from "./channel";
export { broadcast, broadcastJSON, type BroadcastOptions, type Conn, connection } from "./conn";
export { AzuError, type ErrorCode, errorName, refuse } from "./error";
export { log } from "./log";
export type { Message, Sendable } from "./message";
export { counter, gauge, histogram, type Labels } from "./metric";
export { room, type Room } from "./room";
export { type KeepOptions, store } from "./store";
export { clearTimer, now, setTimer } from "./timer";
export { sendUsers, user, type User, users } from "./user";
