import { type Answer, Asked } from './asked.js';
import { final, fullJitter, told, wanted } from './backoff.js';
import {
  type Control,
  NO_PROTOCOL,
  PROTOCOL,
  TOKEN,
  decode,
  disconnected,
  escape,
  noProtocol,
  refused,
  unescape,
} from './control.js';
import { AzuhostError } from './error.js';
import { Emitter, type Events, type State } from './events.js';
import { Heartbeat } from './heartbeat.js';
import { iterate } from './iterate.js';
import { type Closing, type Data, type Options, type Settings, type Socket, withDefaults } from './options.js';
import { Watches } from './presence.js';
import { Queue, sizeOf } from './queue.js';
import { type Message, type Position, Rooms } from './recovery.js';
import { known, shut } from './shut.js';
import { Timers } from './timers.js';
import { Keeper } from './token.js';
import { offline, watchPage } from './wake.js';

/** A connection that lasted so long was a good one: the next delay is a short one again. */
const STABLE = 5000;

/** A host that agrees to azuhost.v1 says welcome at once. */
const WELCOME = 2000;

/** Client is a WebSocket to a channel that comes back. */
export class Client extends Emitter<Events> {
  #url: URL;
  #o: Settings;
  #state: State = 'closed';
  #token: Keeper;
  #queue: Queue;
  #rooms: Rooms;
  #watches: Watches;
  #heartbeat: Heartbeat;

  // All connections.
  #attempt = 0;
  #everOpen = false;
  #speaks = false; // the server has spoken azuhost.v1
  #plain = false; // try without it
  #refuses = false; // a server that is there did not open with it
  #refused = 0; // times in a row that the token was not accepted
  #unwatchPage = () => {};
  #why: Error | undefined; // it is closed for good
  #retry: ReturnType<typeof setTimeout> | undefined;
  #sentAway = false; // the host has said when to come back

  // One connection.
  #socket: Socket | undefined;
  #dial: object | undefined; // another one for each
  #timers = new Timers();
  #conn = '';
  #v1 = false;
  #openedAt = 0;
  #failure = '';
  #asked = new Asked(this.#timers);

  /** Does not connect yet. `http` in the URL means `ws`; in browsers it may be relative. */
  constructor(url: string | URL, options: Options = {}) {
    super();
    this.#url = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
    this.#url.protocol = this.#url.protocol.replace('http', 'ws');
    this.#url.hash = '';
    this.#o = withDefaults(options);
    this.#token = new Keeper(this.#o.getToken);
    this.#queue = new Queue(this.#o.queue, (data) => this.emit('drop', { data }));
    const host = {
      conn: () => this.#conn,
      ask: this.#ask.bind(this),
      later: (attempt: number, f: () => void) => this.#timers.later(this.#backoff(attempt), f),
      emit: this.emit.bind(this) as Emitter<Events>['emit'],
    };
    this.#rooms = new Rooms(host, this.#o.maxHeld);
    this.#watches = new Watches(host);
    this.#heartbeat = new Heartbeat(
      this.#o,
      () => this.#ask('ping', {}, () => {}),
      () => this.#lost(1006, 'no answer to a ping'),
    );
  }

  get state(): State {
    return this.#state;
  }

  /** Connects; while it waits, at once. Resolves when it is open, rejects when it is closed for good before. */
  connect(): Promise<void> {
    if (this.#state === 'open') {
      return Promise.resolve();
    }
    const opened = new Promise<void>((resolve, reject) => {
      const off = this.on('state', (state) => {
        if (state === 'open' || state === 'closed') {
          off();
          state === 'open' ? resolve() : reject(this.#why);
        }
      });
    });
    opened.catch(() => {}); // who does not wait for it has the event
    if (this.#state === 'closed') {
      this.#attempt = this.#refused = 0;
      this.#why = undefined;
      this.#unwatchPage = watchPage((back) => this.#wake(back));
    }
    if (this.#state !== 'connecting') {
      this.#connect();
    }
    return opened;
  }

  /**
   * Sends a message, or has it wait for the connection: `sent` says that the WebSocket has it, and not that it arrived.
   * Throws `CLOSED`, and `QUEUE_FULL` as the option `queue` says.
   */
  send(data: Data): 'sent' | 'queued' | 'dropped' {
    if (this.#why) {
      throw this.#why;
    }
    const socket = this.#socket;
    if (!this.#ready() || !socket) {
      return this.#queue.push(data) ? 'queued' : 'dropped';
    }
    if (socket.bufferedAmount && socket.bufferedAmount + sizeOf(data) > this.#o.queue.bytes) {
      this.#queue.refuse(data);
      return 'dropped';
    }
    this.#write(data);
    return 'sent';
  }

  /** Closes the connection, and stays away. What waits to be sent is dropped. Resolves when the WebSocket is closed. */
  close(code = 1000, reason = ''): Promise<void> {
    const socket = this.#socket;
    const opened = this.#state === 'open';
    if (this.#state === 'closed') {
      return Promise.resolve();
    }
    this.#detach();
    this.#end({ code, reason, opened });
    return new Promise((resolve) => {
      if (!socket || !shut(socket, code, reason, resolve)) {
        resolve();
      }
    });
  }

  /** Where a room with a history stands: after the last message that was handed on. */
  position(room: string): Position | undefined {
    return this.#rooms.position(room);
  }

  /** Who is in a room that the connection is a member of? The route needs `share_presence`. */
  presence(room: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const answer: Answer = (c) => (c.type === 'presence' ? resolve(c.users) : reject(refused(c)));
      if (!this.#ask('presence', { room }, answer)) {
        reject(this.#ready() ? noProtocol() : disconnected());
      }
    });
  }

  /** Has the event `presence` tell of changes in a room, over all connections. Resolves with who is there. */
  watch(room: string): Promise<string[]> {
    if (this.#why || (this.#state === 'open' && !this.#v1)) {
      return Promise.reject(this.#why ?? noProtocol());
    }
    return this.#watches.watch(room);
  }

  unwatch(room: string): void {
    this.#watches.unwatch(room);
  }

  /** The messages from now on, for `for await`, until the client is closed. A loop that is more than `limit` behind gets `QUEUE_FULL`. */
  messages(limit = 10_000): AsyncIterableIterator<Message> {
    return iterate(this, limit);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.messages();
  }

  // ---- A connection begins.

  async #connect(): Promise<void> {
    clearTimeout(this.#retry);
    this.#sentAway = false;
    const dial = (this.#dial = {});
    this.#failure = '';
    this.#become('connecting');
    if (this.#dial !== dial) {
      return; // a listener has closed it
    }
    this.#timers.later(this.#o.connectTimeout, () => {
      this.#token.forget();
      this.#lost(1006, 'timeout');
    });
    let token: string | undefined;
    try {
      token = await this.#token.current();
    } catch (err) {
      if (this.#dial === dial) {
        this.emit('error', err as Error);
        this.#lost(1006, 'no token');
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
    const list = protocol === 'off' || this.#plain ? [...protocols] : [PROTOCOL, ...protocols];
    if (token !== undefined) {
      this.#o.tokenIn === 'query' ? url.searchParams.set(this.#o.tokenParam, token) : list.push(TOKEN + token);
    }
    let socket: Socket;
    try {
      socket = new WebSocket(url.href, list);
    } catch (err) {
      // The URL or a subprotocol is none, or the page may not: it will not be better the next time.
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
        // Some servers agree to what they do not know.
        auto && !this.#speaks && this.#timers.later(WELCOME, () => this.#opened());
      } else if (!auto) {
        this.#lost(1006, NO_PROTOCOL);
      } else if (this.#plain && !this.#refuses) {
        // It is there: that the attempt before failed may have been for another reason.
        this.#refuses = true;
        this.#plain = false;
        this.#leave();
        this.#connect();
      } else {
        this.#opened();
      }
    };
    socket.onmessage = (e: { data: unknown }) => this.#received(e.data);
    // That of Node 20 is not followed by a close where there was no connection.
    socket.onerror = (e: { message?: string }) => {
      this.#failure = e.message ?? '';
      if (this.#state !== 'open') {
        this.#lost(1006, this.#failure);
      }
    };
    socket.onclose = (e: { code: number; reason: string }) => this.#lost(e.code, e.reason || this.#failure);
  }

  #opened(): void {
    this.#timers.stop(); // those of the handshake
    this.#openedAt = Date.now();
    const again = this.#everOpen;
    this.#everOpen = true;
    const dial = this.#dial;
    this.#become('open');
    this.emit('open', { conn: this.#conn, protocol: this.#socket?.protocol ?? '', again });
    // A listener may have closed it, or the host: what waits goes with the next connection.
    for (let data; this.#dial === dial && this.#ready() && (data = this.#queue.shift()) !== undefined; ) {
      this.#write(data);
    }
    if (this.#dial === dial && !this.#v1) {
      this.#watches.end(noProtocol());
    }
  }

  #welcome(c: Control): void {
    if (this.#v1) {
      return;
    }
    this.#conn = c.conn;
    this.#v1 = this.#speaks = true;
    if (this.#state !== 'open') {
      this.#opened();
    }
    if (this.#v1) {
      this.#heartbeat.start();
      this.#watches.opened();
      this.#refreshAt(c.expires_at);
    }
  }

  // ---- A connection is open.

  #received(data: unknown): void {
    this.#heartbeat.heard();
    const v1 = this.#socket!.protocol === PROTOCOL;
    const control = v1 ? decode(data) : undefined;
    if (control) {
      this.#control(control);
    } else if (control === undefined) {
      this.#rooms.data({ data: (v1 ? unescape(data) : data) as Message['data'] });
    }
  }

  #control(c: Control): void {
    switch (c.type) {
      case 'welcome':
        return this.#welcome(c);
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
    if (!this.#asked.answered(c) && c.type === 'error') {
      this.emit('error', refused(c));
    }
  }

  #ask(type: string, members: object, answer: Answer): boolean {
    if (!this.#v1 || !this.#ready()) {
      return false;
    }
    this.#socket!.send(this.#asked.ask(type, members, answer));
    return true;
  }

  /** Says whether the WebSocket takes what is sent: one that is closing drops it. */
  #ready(): boolean {
    return this.#state === 'open' && this.#socket?.readyState === 1;
  }

  #write(data: Data): void {
    this.#socket!.send(this.#v1 && typeof data === 'string' ? escape(data) : data);
  }

  #refreshAt(expiresAt: number | undefined): void {
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
      token = await this.#token.fresh('expiring');
    } catch (err) {
      return again(err);
    }
    if (this.#dial === dial) {
      this.#ask('token', { token }, (c) => {
        if (c.type === 'token') {
          this.#refreshAt(c.expires_at);
        } else {
          this.#token.spend('expired'); // for the next connection
          again(refused(c));
        }
      });
    }
  }

  // ---- A connection ends.

  #lost(code: number, reason: string): void {
    const opened = this.#state === 'open';
    const tried = this.#socket && this.#socket.protocol !== PROTOCOL && !known(reason);
    this.#leave();
    const closing = { code, reason, opened };
    if (opened && Date.now() - this.#openedAt >= STABLE) {
      this.#attempt = this.#refused = 0;
    }
    // A server that does not know azuhost.v1 may look like one that is not there.
    this.#plain = this.#o.protocol === 'auto' && !this.#speaks && !opened && (tried ? this.#refuses || !this.#plain : this.#plain);
    const retryIn = this.#retryIn(closing);
    if (retryIn === undefined) {
      this.#end(closing);
      return;
    }
    this.#attempt++;
    this.#become('waiting');
    // Listeners may call connect or close.
    if (this.#state === 'waiting') {
      this.#retry = setTimeout(() => this.#connect(), retryIn);
      this.emit('close', { ...closing, retryIn });
    }
  }

  /** Lets go of the WebSocket, and ends it. */
  #leave(): void {
    const socket = this.#socket;
    this.#detach();
    if (socket) {
      // That of ws would otherwise wait for an answer that may never come.
      socket.terminate ? socket.terminate() : shut(socket, 1000, '', () => {});
    }
  }

  /** When to connect again; undefined: not at all. */
  #retryIn(closing: Closing): number | undefined {
    const { code, opened, reason } = closing;
    const { reconnect, maxDelay } = this.#o;
    const wish = wanted(reconnect, closing, (err) => this.emit('error', err));
    let stay = final(code);
    if (code === 3005) {
      stay = !this.#token.spend('expired');
    } else if (code === 3000) {
      // One more try with another token; then it is not the token.
      stay = !this.#token.spend('refused') || this.#refused++ > 0;
    } else if (!opened) {
      /\b40[13]\b/.test(reason) ? this.#token.spend('refused') : this.#token.doubt();
    }
    if (wish === false || (wish === undefined && stay)) {
      return undefined;
    }
    const delay = typeof wish === 'number' ? wish : told(closing);
    this.#sentAway = delay !== undefined;
    return delay ?? (offline() ? maxDelay : this.#backoff(code === 1008 ? 30 : this.#attempt));
  }

  /** Closed for good. */
  #end(closing: Closing): void {
    const { code, reason } = closing;
    const why = (this.#why = new AzuhostError('CLOSED', `closed with ${code}${reason && ': ' + reason}`));
    this.#unwatchPage();
    this.#become('closed');
    this.emit('close', { ...closing, retryIn: undefined });
    // A listener may connect again.
    if (this.#state === 'closed') {
      this.#queue.drop();
      this.#watches.end(why);
    }
  }

  /** Lets go of the connection: nothing of it comes through any more. */
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
    this.#rooms.lost();
    this.#watches.lost();
    this.#asked.lost();
  }

  #wake(back: boolean): void {
    if (this.#state === 'open' && this.#v1 && this.#o.pingInterval > 0) {
      this.#heartbeat.probe();
    } else if (this.#state === 'waiting' && back && !this.#sentAway) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#connect(), this.#backoff(0));
    }
  }

  #become(state: State): void {
    if (this.#state !== state) {
      this.#state = state;
      this.emit('state', state);
    }
  }

  #backoff(attempt: number): number {
    return fullJitter(attempt, this.#o.minDelay, this.#o.maxDelay);
  }
}
