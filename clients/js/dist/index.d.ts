export { Client } from './client.js';
export { AzuhostError } from './error.js';
export type { Closing, Data, Options, Socket, SocketClass, TokenReason } from './options.js';
export type { Closed, Events, Message, Opened, Position, Presence, Recovered, State } from './types.js';
