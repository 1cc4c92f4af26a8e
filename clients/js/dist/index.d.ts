export { Client } from './client.js';
export { AzuhostError } from './error.js';
export type { Closed, Events, Opened, State } from './events.js';
export type { Closing, Data, Options, Socket, SocketClass, TokenReason } from './options.js';
export type { Presence } from './presence.js';
export type { Message, Position, Recovered } from './recovery.js';
