import { decide, fullJitter, hostDelay, isFinal } from './backoff.js';
import {
  type Control,
  NO_PROTOCOL,
  PROTOCOL,
  TOKEN_PREFIX,
  decode,
  disconnected,
  escape,
  noProtocol,
  toError,
  unescape,
} from './control.js';
import { AzuhostError } from './error.js';
import { Emitter } from './events.js';
import { Heartbeat } from './heartbeat.js';
import { iterate } from './iterate.js';
import { type Closing, type Data, type Options, type Settings, type Socket, withDefaults } from './options.js';
import { isOffline, watchPage } from './page.js';
import { Watches } from './presence.js';
import { Queue, sizeOf } from './queue.js';
import { Rooms } from './recovery.js';
import { type Answer, Requests } from './requests.js';
import { closeSocket, isUnrelated } from './socket.js';
import { Timers } from './timers.js';
import { TokenCache } from './token.js';
import type { Events, Message, Position, State } from './types.js';

/** A connection that lasted this long resets the backoff. */
const STABLE = 5000;

/** How long to wait for welcome. A host that agrees to azuhost.v1 sends it at once. */
const WELCOME_TIMEOUT = 2000;

/** Client is a WebSocket to a channel that reconnects. */
export class Client extends Emitter<Events> {
  #url: URL;
  #o: Settings;
  #state: State = 'closed';
  #token: TokenCache;
  #queue: Queue;
  #rooms: Rooms;
  #watches: Watches;
  #heartbeat: Heartbeat;

  // State of all connections.
  #attempt = 0;
  #everOpen = false;
  #speaksV1 = false; // the server has sent welcome before
  #omitV1 = false; // try without azuhost.v1
  #refusesV1 = false; // a server that opens without azuhost.v1 did not open with it
  #tokenRefusals = 0; // in a row
  #unwatchPage = () => {};
  #closeError: Error | undefined; // the client is closed
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hostSetDelay = false; // the host has set the delay of #retry

  // State of one connection.
  #socket: Socket | undefined;
  #dial: object | undefined; // identifies the connection
  #timers = new Timers();
  #conn = '';
  #v1 = false; // welcome was received
  #openedAt = 0;
  #failure = ''; // the message of the WebSocket's error
  #requests = new Requests(this.#timers);

  /** Does not connect yet. `http` in the URL means `ws`. In browsers the URL may be relative. */
  constructor(url: string | URL, options: Options = {}) {
    super();
    this.#url = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
    this.#url.protocol = this.#url.protocol.replace('http', 'ws');
    this.#url.hash = '';
    this.#o = withDefaults(options);
    this.#token = new TokenCache(this.#o.getToken);
    this.#queue = new Queue(this.#o.queue, (data) => this.emit('drop', { data }));
    const connection = {
      id: () => this.#conn,
      request: this.#request.bind(this),
      retry: (attempt: number, f: () => void) => this.#timers.later(this.#backoff(attempt), f),
      emit: this.emit.bind(this) as Emitter<Events>['emit'],
    };
    this.#rooms = new Rooms(connection, this.#o.maxHeld);
    this.#watches = new Watches(connection);
    this.#heartbeat = new Heartbeat(
      this.#o,
      () => this.#request('ping', {}, () => {}),
      () => this.#onLost(1006, 'no answer to a ping'),
    );
  }

  get state(): State {
    return this.#state;
  }

  /** Connects; during a backoff, at once. Resolves when the connection is open, rejects if the client is closed before. */
  connect(): Promise<void> {
    if (this.#state === 'open') {
      return Promise.resolve();
    }
    const opened = new Promise<void>((resolve, reject) => {
      const off = this.on('state', (state) => {
        if (state === 'open' || state === 'closed') {
          off();
          state === 'open' ? resolve() : reject(this.#closeError);
        }
      });
    });
    opened.catch(() => {}); // a caller that ignores the promise has the event close
    if (this.#state === 'closed') {
      this.#attempt = this.#tokenRefusals = 0;
      this.#closeError = undefined;
      this.#unwatchPage = watchPage((back) => this.#onPageChange(back));
    }
    if (this.#state !== 'connecting') {
      this.#connect();
    }
    return opened;
  }

  /**
   * Sends a message, or queues it until the connection is open. `sent` means that the WebSocket has it, not that it
   * arrived. Throws `CLOSED`, and `QUEUE_FULL` if the option `queue` says so.
   */
  send(data: Data): 'sent' | 'queued' | 'dropped' {
    if (this.#closeError) {
      throw this.#closeError;
    }
    const socket = this.#socket;
    if (!this.#isReady() || !socket) {
      return this.#queue.push(data) ? 'queued' : 'dropped';
    }
    if (socket.bufferedAmount && socket.bufferedAmount + sizeOf(data) > this.#o.queue.bytes) {
      this.#queue.refuse(data);
      return 'dropped';
    }
    this.#write(data);
    return 'sent';
  }

  /** Closes the connection, and does not reconnect. Queued messages are dropped. Resolves when the WebSocket is closed. */
  close(code = 1000, reason = ''): Promise<void> {
    const socket = this.#socket;
    const opened = this.#state === 'open';
    if (this.#state === 'closed') {
      return Promise.resolve();
    }
    this.#detach();
    this.#end({ code, reason, opened });
    return new Promise((resolve) => {
      if (!socket || !closeSocket(socket, code, reason, resolve)) {
        resolve();
      }
    });
  }

  /** Returns the position of the last message of a room with a history. */
  position(room: string): Position | undefined {
    return this.#rooms.position(room);
  }

  /** Returns the users in a room that the connection is a member of. The route needs `share_presence`. */
  presence(room: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const answer: Answer = (c) => (c.type === 'presence' ? resolve(c.users) : reject(toError(c)));
      if (!this.#request('presence', { room }, answer)) {
        reject(this.#isReady() ? noProtocol() : disconnected());
      }
    });
  }

  /** Emits `presence` for each change of the users in a room, also after a reconnect. Resolves with the users. */
  watch(room: string): Promise<string[]> {
    if (this.#closeError || (this.#state === 'open' && !this.#v1)) {
      return Promise.reject(this.#closeError ?? noProtocol());
    }
    return this.#watches.watch(room);
  }

  unwatch(room: string): void {
    this.#watches.unwatch(room);
  }

  /** Returns the messages from now on, until the client is closed. A loop that is more than `limit` behind gets `QUEUE_FULL`. */
  messages(limit = 10_000): AsyncIterableIterator<Message> {
    return iterate(this, limit);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.messages();
  }

  // ---- The beginning of a connection.

  async #connect(): Promise<void> {
    clearTimeout(this.#retry);
    this.#hostSetDelay = false;
    const dial = (this.#dial = {});
    this.#failure = '';
    this.#setState('connecting');
    if (this.#dial !== dial) {
      return; // a listener has closed the client
    }
    this.#timers.later(this.#o.connectTimeout, () => {
      this.#token.abandon();
      this.#onLost(1006, 'timeout');
    });
    let token: string | undefined;
    try {
      token = await this.#token.current();
    } catch (err) {
      if (this.#dial === dial) {
        this.emit('error', err as Error);
        this.#onLost(1006, 'no token');
      }
      return;
    }
    if (this.#dial === dial) {
      this.#open(token);
    }
  }

  #open(token: string | undefined): void {
    const { protocols, protocol, WebSocket } = this.#o;
    const url = new URL(this.#url);
    const list = protocol === 'off' || this.#omitV1 ? [...protocols] : [PROTOCOL, ...protocols];
    if (token !== undefined) {
      this.#o.tokenIn === 'query' ? url.searchParams.set(this.#o.tokenParam, token) : list.push(TOKEN_PREFIX + token);
    }
    let socket: Socket;
    try {
      socket = new WebSocket(url.href, list);
    } catch (err) {
      // The URL or a subprotocol is invalid, or the page may not connect. Another attempt would fail, too.
      this.emit('error', err as Error);
      this.#detach();
      this.#end({ code: 1006, reason: String(err), opened: false });
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      const auto = protocol !== 'require';
      if (socket.protocol === PROTOCOL && protocol !== 'off') {
        // Some servers agree to any subprotocol.
        auto && !this.#speaksV1 && this.#timers.later(WELCOME_TIMEOUT, () => this.#onOpen());
      } else if (!auto) {
        this.#onLost(1006, NO_PROTOCOL);
      } else if (this.#omitV1 && !this.#refusesV1) {
        // The server is up. The attempt before may have failed for another reason: try azuhost.v1 once more.
        this.#refusesV1 = true;
        this.#omitV1 = false;
        this.#dropSocket();
        this.#connect();
      } else {
        this.#onOpen();
      }
    };
    socket.onmessage = (e: { data: unknown }) => this.#onData(e.data);
    // In Node.js 20 a failed connection has an error event without a close event.
    socket.onerror = (e: { message?: string }) => {
      this.#failure = e.message ?? '';
      if (this.#state !== 'open') {
        this.#onLost(1006, this.#failure);
      }
    };
    socket.onclose = (e: { code: number; reason: string }) => this.#onLost(e.code, e.reason || this.#failure);
  }

  #onOpen(): void {
    this.#timers.stop(); // of the handshake
    this.#openedAt = Date.now();
    const again = this.#everOpen;
    this.#everOpen = true;
    const dial = this.#dial;
    this.#setState('open');
    this.emit('open', { conn: this.#conn, protocol: this.#socket?.protocol ?? '', again });
    // If a listener or the host closes, the queue waits for the next connection.
    for (let data; this.#dial === dial && this.#isReady() && (data = this.#queue.shift()) !== undefined; ) {
      this.#write(data);
    }
    if (this.#dial === dial && !this.#v1) {
      this.#watches.end(noProtocol());
    }
  }

  #onWelcome(c: Control): void {
    if (this.#v1) {
      return;
    }
    this.#conn = c.conn;
    this.#v1 = this.#speaksV1 = true;
    if (this.#state !== 'open') {
      this.#onOpen();
    }
    if (this.#v1) {
      this.#heartbeat.start();
      this.#watches.opened();
      this.#scheduleRefresh(c.expires_at);
    }
  }

  // ---- An open connection.

  #onData(data: unknown): void {
    this.#heartbeat.alive();
    const v1 = this.#socket!.protocol === PROTOCOL;
    const control = v1 ? decode(data) : undefined;
    if (control) {
      this.#onControl(control);
    } else if (control === undefined) {
      this.#rooms.onData({ data: (v1 ? unescape(data) : data) as Message['data'] });
    }
  }

  #onControl(c: Control): void {
    switch (c.type) {
      case 'welcome':
        return this.#onWelcome(c);
      case 'position':
        return this.#rooms.onPosition(c);
      case 'joined':
        this.#rooms.onJoined(c);
        this.#watches.joined(c.room);
        return this.emit('joined', { room: c.room, epoch: c.epoch, offset: c.offset });
      case 'left':
        this.#rooms.onLeft(c.room);
        this.#watches.left(c.room);
        return this.emit('left', { room: c.room });
      case 'presence_join':
      case 'presence_leave':
        return this.#watches.onChange(c);
    }
    if (!this.#requests.settle(c) && c.type === 'error') {
      this.emit('error', toError(c));
    }
  }

  #request(type: string, members: object, answer: Answer): boolean {
    if (!this.#v1 || !this.#isReady()) {
      return false;
    }
    this.#socket!.send(this.#requests.add(type, members, answer));
    return true;
  }

  /** Reports whether the WebSocket takes messages. One that is closing would drop them. */
  #isReady(): boolean {
    return this.#state === 'open' && this.#socket?.readyState === 1;
  }

  #write(data: Data): void {
    this.#socket!.send(this.#v1 && typeof data === 'string' ? escape(data) : data);
  }

  #scheduleRefresh(expiresAt: number | undefined): void {
    if (expiresAt !== undefined && this.#o.getToken) {
      this.#timers.later(this.#token.refreshIn(expiresAt), () => this.#refresh(0));
    }
  }

  async #refresh(attempt: number): Promise<void> {
    const dial = this.#dial;
    const again = (err: unknown) => {
      if (this.#dial === dial) {
        this.emit('error', err as Error);
        this.#timers.later(this.#backoff(attempt + 2), () => this.#refresh(attempt + 1));
      }
    };
    let token: string;
    try {
      token = await this.#token.fetch('expiring');
    } catch (err) {
      return again(err);
    }
    if (this.#dial === dial) {
      this.#request('token', { token }, (c) => {
        if (c.type === 'token') {
          this.#scheduleRefresh(c.expires_at);
        } else {
          this.#token.spend('expired'); // for the next connection
          again(toError(c));
        }
      });
    }
  }

  // ---- The end of a connection.

  #onLost(code: number, reason: string): void {
    const opened = this.#state === 'open';
    const tried = this.#socket && this.#socket.protocol !== PROTOCOL && !isUnrelated(reason);
    this.#dropSocket();
    const closing = { code, reason, opened };
    if (opened && Date.now() - this.#openedAt >= STABLE) {
      this.#attempt = this.#tokenRefusals = 0;
    }
    // A server that does not know azuhost.v1 may look as if it was down.
    this.#omitV1 = this.#o.protocol === 'auto' && !this.#speaksV1 && !opened && (tried ? this.#refusesV1 || !this.#omitV1 : this.#omitV1);
    const retryIn = this.#retryIn(closing);
    if (retryIn === undefined) {
      this.#end(closing);
      return;
    }
    this.#attempt++;
    this.#setState('waiting');
    // Listeners may call connect or close.
    if (this.#state === 'waiting') {
      this.#retry = setTimeout(() => this.#connect(), retryIn);
      this.emit('close', { ...closing, retryIn });
    }
  }

  /** Detaches and ends the WebSocket. */
  #dropSocket(): void {
    const socket = this.#socket;
    this.#detach();
    if (socket) {
      // Without terminate, the package ws would wait for a close frame that may never come.
      socket.terminate ? socket.terminate() : closeSocket(socket, 1000, '', () => {});
    }
  }

  /** Returns the delay of the next attempt; undefined: do not reconnect. */
  #retryIn(closing: Closing): number | undefined {
    const { code, opened, reason } = closing;
    const { reconnect, maxDelay } = this.#o;
    const decision = decide(reconnect, closing, (err) => this.emit('error', err));
    let stay = isFinal(code);
    if (code === 3005) {
      stay = !this.#token.spend('expired');
    } else if (code === 3000) {
      // Try another token once. If that is refused, too, the token is not the reason.
      stay = !this.#token.spend('refused') || this.#tokenRefusals++ > 0;
    } else if (!opened) {
      /\b40[13]\b/.test(reason) ? this.#token.spend('refused') : this.#token.spendStale();
    }
    if (decision === false || (decision === undefined && stay)) {
      return undefined;
    }
    const delay = typeof decision === 'number' ? decision : hostDelay(closing);
    this.#hostSetDelay = delay !== undefined;
    return delay ?? (isOffline() ? maxDelay : this.#backoff(code === 1008 ? 30 : this.#attempt));
  }

  /** Closes the client. */
  #end(closing: Closing): void {
    const { code, reason } = closing;
    const error = (this.#closeError = new AzuhostError('CLOSED', `closed with ${code}${reason && ': ' + reason}`));
    this.#unwatchPage();
    this.#setState('closed');
    this.emit('close', { ...closing, retryIn: undefined });
    // A listener may connect again.
    if (this.#state === 'closed') {
      this.#queue.drop();
      this.#watches.end(error);
    }
  }

  /** Ends the state of the connection. No event of its WebSocket is handled after it. */
  #detach(): void {
    clearTimeout(this.#retry);
    this.#timers.stop();
    this.#heartbeat.stop();
    const socket = this.#socket;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
    }
    this.#socket = this.#dial = undefined;
    this.#conn = '';
    this.#v1 = false;
    this.#rooms.reset();
    this.#watches.reset();
    this.#requests.reset();
  }

  #onPageChange(back: boolean): void {
    if (this.#state === 'open' && this.#v1 && this.#o.pingInterval > 0) {
      this.#heartbeat.probe();
    } else if (this.#state === 'waiting' && back && !this.#hostSetDelay) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#connect(), this.#backoff(0));
    }
  }

  #setState(state: State): void {
    if (this.#state !== state) {
      this.#state = state;
      this.emit('state', state);
    }
  }

  #backoff(attempt: number): number {
    return fullJitter(attempt, this.#o.minDelay, this.#o.maxDelay);
  }
}
