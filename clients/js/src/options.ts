/** Data that can be sent. Of a view, the bytes that it shows are sent. */
export type Data = string | ArrayBuffer | ArrayBufferView;

/** The part of a WebSocket that the client uses. Browsers, Node.js and the package `ws` have it. */
export interface Socket {
  readonly readyState: number;
  readonly protocol: string;
  readonly bufferedAmount: number;
  binaryType: string;
  onopen: any;
  onmessage: any;
  onerror: any;
  onclose: any;
  send(data: any): void;
  close(code?: number, reason?: string): void;
  /** Ends the connection without a closing handshake. */
  terminate?(): void;
}

export interface SocketClass {
  new (url: string, protocols?: string[]): Socket;
}

/** The reason why getToken is called. */
export type TokenReason =
  /** for the first connection */
  | 'connect'
  /** the current token expires soon */
  | 'expiring'
  /** the token of the last connection has expired */
  | 'expired'
  /** the server has refused the connection, perhaps because of the token */
  | 'refused';

/** A connection that ended, or failed to open. */
export interface Closing {
  /** The close code of the WebSocket; 1006 without a close frame. */
  code: number;
  reason: string;
  /** The connection was open before. */
  opened: boolean;
}

/** All options may be omitted. Times are in milliseconds. */
export interface Options {
  /** The WebSocket class. Default: the global one. Node.js 20 has none; use that of the package `ws`. */
  WebSocket?: SocketClass;

  /** Subprotocols of the channel besides `azuhost.v1`, the preferred one first. */
  protocols?: string[];

  /**
   * `auto`: use `azuhost.v1` if the server speaks it, and otherwise a plain WebSocket that reconnects.
   * `require`: connect only with `azuhost.v1`. `off`: never ask for it. Default: `auto`.
   */
  protocol?: 'auto' | 'require' | 'off';

  /**
   * Returns a token, for the first connection and whenever another one is needed. It is not called again while it
   * runs, for `connectTimeout` at most.
   */
  getToken?: (reason: TokenReason) => string | Promise<string>;
  /**
   * `query`: the token is in the URL, as `?token=`. `subprotocol`: it is in a header, as `azuhost.token.TOKEN`, and thus
   * in no log of URLs; only for routes with `auth`. Default: `query`.
   */
  tokenIn?: 'query' | 'subprotocol';
  /** The name of the query parameter. Default: `token`. */
  tokenParam?: string;

  /**
   * `false`: do not reconnect. A function decides for each connection that ended: whether to reconnect, or after how
   * many milliseconds. `undefined` applies the rules for close codes.
   */
  reconnect?: boolean | ((closing: Closing) => boolean | number | undefined);
  /** The bound of the first delay, which is random. Default: 500. */
  minDelay?: number;
  /** The longest delay. Default: 30,000. */
  maxDelay?: number;
  /** The time for a token and a handshake. Default: 15,000. */
  connectTimeout?: number;

  /** Ping after this time without input. 0: never. Default: 25,000. */
  pingInterval?: number;
  /** A connection without input for this long after a ping is given up. Default: 8,000. */
  pingTimeout?: number;

  /** Limits of the messages that wait for a connection, and of those that a slow connection leaves unsent. */
  queue?: {
    /** Number of messages. 0: nothing is queued. Default: 1,000. */
    messages?: number;
    /** Number of bytes; for text, of UTF-16 code units. Default: 1 MiB. */
    bytes?: number;
    /** With a full queue `send` throws `QUEUE_FULL`, or a message is dropped with the event `drop`. Default: `throw`. */
    full?: 'throw' | 'drop-oldest' | 'drop-newest';
  };

  /** Number of messages of a room that are held back while it recovers. With more, recovery is given up. Default: 100,000. */
  maxHeld?: number;
}

export function withDefaults(o: Options) {
  const WebSocket = o.WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
  if (!WebSocket) {
    throw new TypeError('no WebSocket here: npm install ws, and pass its { WebSocket }');
  }
  return {
    protocols: [] as string[],
    protocol: 'auto',
    tokenIn: 'query',
    tokenParam: 'token',
    reconnect: true,
    minDelay: 500,
    maxDelay: 30_000,
    connectTimeout: 15_000,
    pingInterval: 25_000,
    pingTimeout: 8_000,
    maxHeld: 100_000,
    ...o,
    queue: { messages: 1000, bytes: 1 << 20, full: 'throw', ...o.queue },
    WebSocket,
  } as const;
}

export type Settings = ReturnType<typeof withDefaults>;
