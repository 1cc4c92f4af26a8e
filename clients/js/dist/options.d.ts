/** What can be sent. Views are sent as the bytes that they show. */
export type Data = string | ArrayBuffer | ArrayBufferView;
/** What the client needs of a WebSocket: browsers, Node and the package `ws` have it. */
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
    /** Ends it without a closing handshake, where there is such a way. */
    terminate?(): void;
}
export interface SocketClass {
    new (url: string, protocols?: string[]): Socket;
}
/** Why a token is asked for. */
export type TokenReason = 
/** for the first connection */
'connect'
/** the one that is in use ends soon */
 | 'expiring'
/** the one that was used has ended */
 | 'expired'
/** the server refused the connection, which may be for the token */
 | 'refused';
/** A connection that ended, or did not come about. */
export interface Closing {
    /** The close code of the WebSocket; 1006 where there was none. */
    code: number;
    reason: string;
    /** The connection was open before. */
    opened: boolean;
}
/** Everything may be left out. Times are milliseconds. */
export interface Options {
    /** The class of WebSockets. Default: the global one. In Node 20: that of the package `ws`. */
    WebSocket?: SocketClass;
    /** Subprotocols of the channel, best first, besides `azuhost.v1`. */
    protocols?: string[];
    /**
     * `auto`: speak `azuhost.v1` where the server does; where it does not, be a plain WebSocket that connects again.
     * `require`: never be a plain one. `off`: never ask.
     * Default: `auto`.
     */
    protocol?: 'auto' | 'require' | 'off';
    /**
     * Gives a token: for the first connection, and each time another one is needed. Not called again while it runs, for
     * `connectTimeout` at most.
     */
    getToken?: (reason: TokenReason) => string | Promise<string>;
    /**
     * `query`: the token is in the URL, as `?token=`. `subprotocol`: it is in a header, as `azuhost.token.TOKEN`, and so in no
     * log of URLs; for hosts that check tokens (`auth`). Default: `query`.
     */
    tokenIn?: 'query' | 'subprotocol';
    /** The name of the query parameter. Default: `token`. */
    tokenParam?: string;
    /**
     * `false`: do not connect again. A function decides for each connection that ended: whether, or after how many
     * milliseconds; `undefined` leaves it to the rules of the close codes.
     */
    reconnect?: boolean | ((closing: Closing) => boolean | number | undefined);
    /** The first delay is between 0 and this. Default: 500. */
    minDelay?: number;
    /** The longest delay. Default: 30,000. */
    maxDelay?: number;
    /** Time for a token and a handshake. Default: 15,000. */
    connectTimeout?: number;
    /** Ping after this time without a message. 0: never. Default: 25,000. */
    pingInterval?: number;
    /** A connection without an answer to a ping for this long is given up. Default: 8,000. */
    pingTimeout?: number;
    /** What waits while there is no connection, and what a slow connection may leave unsent. */
    queue?: {
        /** Most messages. 0: nothing waits. Default: 1,000. */
        messages?: number;
        /** Most bytes; of text, UTF-16 code units. Default: 1 MiB. */
        bytes?: number;
        /** When it is full `send` throws `QUEUE_FULL`, or a message is dropped with the event `drop`. Default: `throw`. */
        full?: 'throw' | 'drop-oldest' | 'drop-newest';
    };
    /** Most messages of a room held back while it recovers; beyond, it is not recovered. Default: 100,000. */
    maxHeld?: number;
}
export declare function withDefaults(o: Options): {
    readonly getToken?: (reason: TokenReason) => string | Promise<string>;
    readonly protocols: string[];
    readonly protocol: "auto" | "off" | "require";
    readonly tokenIn: "query" | "subprotocol";
    readonly tokenParam: string;
    readonly reconnect: boolean | ((closing: Closing) => boolean | number | undefined);
    readonly minDelay: number;
    readonly maxDelay: number;
    readonly connectTimeout: number;
    readonly pingInterval: number;
    readonly pingTimeout: number;
    readonly maxHeld: number;
    readonly queue: {
        messages: number;
        bytes: number;
        full: "drop-newest" | "drop-oldest" | "throw";
    };
    readonly WebSocket: SocketClass;
};
export type Settings = ReturnType<typeof withDefaults>;
