// src/timers.ts
var MAX_DELAY = 2 ** 31 - 1;
var Timers = class {
  #timers = /* @__PURE__ */ new Set();
  /** Calls f after ms milliseconds, unless stopped before. */
  later(ms, f) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      f();
    }, ms);
    this.#timers.add(timer);
  }
  stop() {
    this.#timers.forEach((timer) => clearTimeout(timer));
    this.#timers.clear();
  }
};

// src/backoff.ts
var fullJitter = (attempt, min, max) => Math.random() * Math.min(max, min * 2 ** attempt);
var MAX_HOST_DELAY = 6e5;
function hostDelay({ code, reason }) {
  let delay;
  if (code === 3001) {
    try {
      delay = JSON.parse(reason).reconnect_after_ms;
    } catch {
    }
  } else if (code === 1012) {
    delay = Number(/^reconnect in (\d+) ms$/.exec(reason)?.[1]);
  }
  return typeof delay === "number" && delay >= 0 ? Math.min(delay, MAX_HOST_DELAY) : void 0;
}
var isFinal = (code) => code === 1e3 || code === 1010 || code === 3003 || code >= 4e3 && code < 5e3;
function decide(reconnect, closing, onError) {
  if (typeof reconnect !== "function") {
    return reconnect === false ? false : void 0;
  }
  try {
    const answer = reconnect(closing);
    return typeof answer !== "number" ? answer : answer >= 0 ? Math.min(answer, MAX_DELAY) : void 0;
  } catch (err) {
    onError(err);
    return void 0;
  }
}

// src/error.ts
var AzuhostError = class extends Error {
  code;
  constructor(code, message) {
    super(message);
    this.name = "AzuhostError";
    this.code = code;
  }
};

// src/control.ts
var PROTOCOL = "azuhost.v1";
var TOKEN_PREFIX = "azuhost.token.";
var MARK = "";
var encodeControl = (message) => MARK + JSON.stringify(message);
var escape = (text) => text[0] === MARK ? MARK + text : text;
function decode(data) {
  if (typeof data !== "string" || data[0] !== MARK || data[1] === MARK) {
    return void 0;
  }
  try {
    return Object(JSON.parse(data.slice(1)));
  } catch {
    return null;
  }
}
var unescape = (data) => typeof data === "string" && data[0] === MARK ? data.slice(1) : data;
var isTemporary = ({ code }) => code === "UNAVAILABLE" || code === "LIMIT" || code === "TIMEOUT";
var failure = (code, message) => ({ type: "error", code, message });
var toError = (c) => new AzuhostError(c.code, c.message);
var NO_PROTOCOL = "the server does not speak " + PROTOCOL;
var noProtocol = () => new AzuhostError("NO_PROTOCOL", NO_PROTOCOL);
var disconnected = () => new AzuhostError("DISCONNECTED", "not connected");

// src/events.ts
var Emitter = class {
  #listeners = /* @__PURE__ */ new Map();
  /** Calls the listener for each event of the type. Returns a function that removes it. */
  on(type, listener) {
    let all = this.#listeners.get(type);
    if (!all) {
      this.#listeners.set(type, all = /* @__PURE__ */ new Set());
    }
    all.add(listener);
    return () => this.off(type, listener);
  }
  /** Calls the listener for the next event of the type. Returns a function that removes it. */
  once(type, listener) {
    const off = this.on(type, (event) => {
      off();
      listener(event);
    });
    return off;
  }
  off(type, listener) {
    this.#listeners.get(type)?.delete(listener);
  }
  /** A listener that throws affects neither the others nor the client: its error is reported as uncaught. */
  emit(type, event) {
    for (const listener of [...this.#listeners.get(type) ?? []]) {
      try {
        listener(event);
      } catch (err) {
        queueMicrotask(() => {
          throw err;
        });
      }
    }
  }
};

// src/heartbeat.ts
var Heartbeat = class {
  #timer;
  #alive = false;
  // something was received since the timer was set
  #o;
  #ping;
  #dead;
  constructor(o, ping, dead) {
    this.#o = o;
    this.#ping = ping;
    this.#dead = dead;
  }
  start() {
    if (this.#o.pingInterval > 0) {
      this.#wait();
    }
  }
  /** Records that something was received. */
  alive() {
    this.#alive = true;
  }
  /** Pings now. Something has to be received within pingTimeout. */
  probe() {
    this.stop();
    this.#alive = false;
    this.#timer = setTimeout(() => this.#alive ? this.start() : this.#dead(), this.#o.pingTimeout);
    this.#ping();
  }
  stop() {
    clearTimeout(this.#timer);
  }
  #wait() {
    this.#alive = false;
    this.#timer = setTimeout(() => this.#alive ? this.#wait() : this.probe(), this.#o.pingInterval);
  }
};

// src/iterate.ts
function iterate(client, limit) {
  const items = [];
  let ended = false;
  let error;
  let wake = () => {
  };
  const end = () => {
    ended = true;
    off.forEach((f) => f());
    wake();
  };
  const off = [
    client.on("message", (m) => {
      if (items.length < limit) {
        items.push(m);
        wake();
      } else {
        error = new AzuhostError("QUEUE_FULL", "the loop is too far behind");
        end();
      }
    }),
    client.on("state", (state) => state === "closed" && end())
  ];
  const loop = (async function* () {
    while (items.length || !ended) {
      if (items.length) {
        yield items.shift();
      } else {
        await new Promise((resolve) => wake = resolve);
      }
    }
    if (error) {
      throw error;
    }
  })();
  loop.return = async () => {
    items.length = 0;
    end();
    return { done: true, value: void 0 };
  };
  return loop;
}

// src/options.ts
function withDefaults(o) {
  const WebSocket = o.WebSocket ?? globalThis.WebSocket;
  if (!WebSocket) {
    throw new TypeError("no WebSocket here: npm install ws, and pass its { WebSocket }");
  }
  return {
    protocols: [],
    protocol: "auto",
    tokenIn: "query",
    tokenParam: "token",
    reconnect: true,
    minDelay: 500,
    maxDelay: 3e4,
    connectTimeout: 15e3,
    pingInterval: 25e3,
    pingTimeout: 8e3,
    maxHeld: 1e5,
    ...o,
    queue: { messages: 1e3, bytes: 1 << 20, full: "throw", ...o.queue },
    WebSocket
  };
}

// src/page.ts
function watchPage(change) {
  if (typeof document === "undefined") {
    return () => {
    };
  }
  const listener = ({ type }) => {
    if (type !== "visibilitychange" || document.visibilityState === "visible") {
      change(type !== "offline");
    }
  };
  const each = (f) => {
    globalThis[f]("online", listener);
    globalThis[f]("offline", listener);
    document[f]("visibilitychange", listener);
  };
  each("addEventListener");
  return () => each("removeEventListener");
}
var isOffline = () => typeof navigator !== "undefined" && navigator.onLine === false;

// src/presence.ts
var Watches = class {
  #rooms = /* @__PURE__ */ new Map();
  #connection;
  constructor(connection) {
    this.#connection = connection;
  }
  watch(room) {
    let w = this.#rooms.get(room);
    if (!w) {
      this.#rooms.set(room, w = { users: /* @__PURE__ */ new Set(), live: false, request: null, waiting: [] });
    }
    if (w.live) {
      return Promise.resolve([...w.users].sort());
    }
    return new Promise((resolve, reject) => {
      if (w.waiting.push({ resolve, reject }) === 1) {
        this.#request(room, w, 0);
      }
    });
  }
  unwatch(room) {
    const w = this.#rooms.get(room);
    if (w) {
      this.#delete(room, w, new AzuhostError("CLOSED", "unwatch was called"));
      this.#connection.request("presence", { room, watch: false }, () => {
      });
    }
  }
  /** Renews all watches in a new connection. */
  opened() {
    for (const [room, w] of this.#rooms) {
      this.#request(room, w, 0);
    }
  }
  joined(room) {
    const w = this.#rooms.get(room);
    if (w && !w.live) {
      this.#request(room, w, 0);
    }
  }
  left(room) {
    const w = this.#rooms.get(room);
    if (w) {
      this.#delete(room, w, new AzuhostError("NOT_MEMBER", "the connection has left the room"));
    }
  }
  /** Ends the watches of this connection. */
  reset() {
    for (const w of this.#rooms.values()) {
      w.live = false;
      w.request = null;
    }
  }
  /** Ends all watches for good. */
  end(err) {
    for (const [room, w] of this.#rooms) {
      this.#delete(room, w, err);
    }
  }
  onChange({ type, room, user }) {
    const w = this.#rooms.get(room);
    if (!w?.live) {
      return;
    }
    const users = new Set(w.users);
    type === "presence_join" ? users.add(user) : users.delete(user);
    this.#set(room, w, users);
  }
  #request(room, w, attempt) {
    const request = w.request = {};
    this.#connection.request("presence", { room, watch: true }, (c) => w.request === request && this.#onAnswer(room, w, c, attempt, request));
  }
  #onAnswer(room, w, c, attempt, request) {
    if (c.type === "presence") {
      w.request = null;
      w.live = true;
      this.#set(room, w, new Set(c.users));
      for (const { resolve } of w.waiting.splice(0)) {
        resolve(c.users);
      }
      return;
    }
    const err = toError(c);
    if (isTemporary(c) || c.code === "NOT_MEMBER" && !w.waiting.length) {
      this.#connection.retry(attempt, () => w.request === request && this.#request(room, w, attempt + 1));
    } else {
      if (!w.waiting.length) {
        this.#connection.emit("error", err);
      }
      this.#delete(room, w, err);
    }
  }
  /** Sets the users, and emits the difference. */
  #set(room, w, users) {
    const without = (a, b) => [...a].filter((u) => !b.has(u));
    const joined = without(users, w.users);
    const left = without(w.users, users);
    w.users = users;
    if (joined.length || left.length) {
      this.#connection.emit("presence", { room, users: [...users].sort(), joined, left });
    }
  }
  #delete(room, w, err) {
    this.#rooms.delete(room);
    w.request = null;
    for (const { reject } of w.waiting.splice(0)) {
      reject(err);
    }
  }
};

// src/queue.ts
function copy(data) {
  if (typeof data === "string") {
    return data;
  }
  return data instanceof ArrayBuffer ? data.slice(0) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}
var sizeOf = (data) => typeof data === "string" ? data.length : data.byteLength;
var Queue = class {
  #items = [];
  #bytes = 0;
  #max;
  #dropped;
  constructor(max, dropped) {
    this.#max = max;
    this.#dropped = dropped;
  }
  /** Queues a message. Returns false if the message was dropped. */
  push(data) {
    const size = sizeOf(data);
    const full = () => this.#items.length >= this.#max.messages || this.#bytes + size > this.#max.bytes;
    while (full() && this.#max.full === "drop-oldest" && this.#items.length) {
      this.#dropped(this.shift());
    }
    if (full()) {
      return this.refuse(data);
    }
    this.#items.push(copy(data));
    this.#bytes += size;
    return true;
  }
  /** Drops a message for which there is no space, or throws. */
  refuse(data) {
    if (this.#max.full === "throw") {
      throw new AzuhostError("QUEUE_FULL", "too much waits to be sent");
    }
    this.#dropped(data);
    return false;
  }
  shift() {
    const data = this.#items.shift();
    if (data !== void 0) {
      this.#bytes -= sizeOf(data);
    }
    return data;
  }
  /** Drops all messages. */
  drop() {
    for (let data; (data = this.shift()) !== void 0; ) {
      this.#dropped(data);
    }
  }
};

// src/recovery.ts
var key = (epoch, offset) => offset + epoch;
var MAX_REMEMBERED = 1e3;
var Rooms = class {
  #rooms = /* @__PURE__ */ new Map();
  #next;
  // the position of the next data message
  #connection;
  #maxHeld;
  constructor(connection, maxHeld) {
    this.#connection = connection;
    this.#maxHeld = maxHeld;
  }
  /** Returns the position of the last message that was emitted. */
  position(room) {
    const r = this.#rooms.get(room);
    return r && { epoch: r.epoch, offset: r.offset };
  }
  /** Drops what was held back, since the connection is lost. The next connection asks for it again. */
  reset() {
    this.#next = void 0;
    for (const [name, r] of this.#rooms) {
      if (!r.live && !r.recovery && this.#rooms.size > MAX_REMEMBERED) {
        this.#rooms.delete(name);
      }
      r.live = false;
      r.tries = 0;
      r.recovery = null;
      r.held.clear();
    }
  }
  onData(message) {
    const p = this.#next;
    this.#next = void 0;
    if (!p) {
      this.#connection.emit("message", message);
      return;
    }
    const { room, epoch, offset } = p;
    Object.assign(message, { room, epoch, offset });
    this.#receive(p, message);
  }
  onPosition(p) {
    if (p.skip) {
      this.#receive(p, null);
    } else {
      this.#next = p;
    }
  }
  onJoined(p) {
    const r = this.#rooms.get(p.room);
    if (!r) {
      this.#add(p, p.offset);
      return;
    }
    if (p.epoch === r.epoch && (p.offset === r.offset || r.live && p.offset < r.offset)) {
      this.#continue(r);
      return;
    }
    r.newest = p;
    if (!r.recovery) {
      this.#recover(r);
    }
  }
  onLeft(room) {
    this.#rooms.delete(room);
  }
  #add({ room: name, epoch }, offset) {
    const r = {
      name,
      epoch,
      offset,
      conn: this.#connection.id(),
      live: true,
      newest: { epoch, offset },
      held: /* @__PURE__ */ new Map(),
      recovery: null,
      target: -1,
      ready: 0,
      count: 0,
      tries: 0
    };
    this.#rooms.set(name, r);
    return r;
  }
  /** Handles a message of a room, or a position without a message. */
  #receive(p, message) {
    const r = this.#rooms.get(p.room) ?? this.#add(p, p.offset - 1);
    const sameEpoch = p.epoch === r.epoch;
    r.newest = p;
    if (sameEpoch && p.offset <= r.offset) {
      return;
    }
    if (!r.recovery && sameEpoch && p.offset === r.offset + 1) {
      this.#continue(r);
      this.#emit(r, p.offset, message);
      return;
    }
    if (r.held.size >= this.#maxHeld) {
      this.#giveUp(r);
      return;
    }
    r.held.set(key(p.epoch, p.offset), { epoch: p.epoch, offset: p.offset, message, recovery: r.recovery });
    if (r.recovery) {
      this.#complete(r);
    } else {
      this.#recover(r);
    }
  }
  #emit(r, offset, message) {
    r.offset = offset;
    r.tries = 0;
    if (message) {
      this.#connection.emit("message", message);
    }
  }
  /** Continues the room in this connection, which has missed nothing. */
  #continue(r) {
    r.conn = this.#connection.id();
    if (!r.live) {
      this.#finish(r, true, r.offset);
    }
  }
  /** Ends a recovery, and emits its result. */
  #finish(r, recovered, offset, count = 0) {
    r.recovery = null;
    r.live = true;
    r.conn = this.#connection.id();
    this.#connection.emit("recovered", { room: r.name, recovered, epoch: r.epoch, offset, count });
  }
  /** Asks for the missing messages: at once, and after growing delays if that brought nothing. */
  #recover(r) {
    const recovery = r.recovery = {};
    r.target = -1;
    const request = () => {
      if (r.recovery === recovery) {
        const { name, epoch, offset, conn } = r;
        this.#connection.request("recover", { room: name, epoch, offset, conn }, (c) => r.recovery === recovery && this.#onAnswer(r, c));
      }
    };
    if (r.tries++) {
      this.#connection.retry(r.tries - 2, request);
    } else {
      request();
    }
  }
  #onAnswer(r, answer) {
    if (answer.type === "recovered") {
      for (const [k, h] of r.held) {
        if (h.epoch === answer.epoch ? h.offset <= answer.offset : h.recovery !== r.recovery) {
          r.held.delete(k);
        }
      }
    }
    if (answer.type === "recovered" && answer.recovered && answer.epoch === r.epoch) {
      r.target = answer.offset;
      r.ready = r.offset;
      r.count = 0;
      this.#complete(r);
    } else if (answer.type === "recovered") {
      this.#restart(r, answer);
    } else if (answer.code === "NOT_MEMBER") {
      this.#rooms.delete(r.name);
    } else if (isTemporary(answer)) {
      this.#recover(r);
    } else {
      this.#giveUp(r);
    }
  }
  /** Emits the missed messages once all of them are held. */
  #complete(r) {
    for (let h; r.ready < r.target && (h = r.held.get(key(r.epoch, r.ready + 1))); r.ready++) {
      r.count += h.message ? 1 : 0;
    }
    if (r.target >= 0 && r.ready >= r.target) {
      this.#finish(r, true, r.ready, r.count);
      this.#flush(r);
    }
  }
  /** Continues the room at a later position. The messages before it are lost. */
  #restart(r, { epoch, offset }) {
    r.epoch = epoch;
    r.offset = offset;
    this.#finish(r, false, offset);
    this.#flush(r);
  }
  #giveUp(r) {
    r.held.clear();
    this.#restart(r, r.newest);
  }
  /** Emits held messages up to the next gap. */
  #flush(r) {
    for (let k, next; next = r.held.get(k = key(r.epoch, r.offset + 1)); ) {
      r.held.delete(k);
      this.#emit(r, next.offset, next.message);
    }
    for (const [k, { epoch, offset }] of r.held) {
      if (epoch === r.epoch && offset <= r.offset) {
        r.held.delete(k);
      }
    }
    if (r.held.size && r.live && !r.recovery) {
      this.#recover(r);
    }
  }
};

// src/requests.ts
var ANSWER_TIMEOUT = 1e4;
var Requests = class {
  #answers = /* @__PURE__ */ new Map();
  #id = 0;
  #timers;
  constructor(timers) {
    this.#timers = timers;
  }
  /** Returns the message to send. answer is called once, with the answer of the host or an error. */
  add(type, members, answer) {
    const id = ++this.#id;
    const answers = this.#answers.set(id, answer);
    this.#timers.later(ANSWER_TIMEOUT, () => answers.delete(id) && answer(failure("TIMEOUT", "no answer")));
    return encodeControl({ type, id, ...members });
  }
  /** Passes an answer on. Returns false if it belongs to no request. */
  settle(c) {
    const answer = this.#answers.get(c.id);
    this.#answers.delete(c.id);
    answer?.(c);
    return !!answer;
  }
  /** Fails all requests, since the connection is lost. */
  reset() {
    const answers = this.#answers;
    this.#answers = /* @__PURE__ */ new Map();
    answers.forEach((answer) => answer(failure("DISCONNECTED", "not connected")));
  }
};

// src/socket.ts
function closeSocket(socket, code, reason, closed) {
  if (socket.readyState === 3) {
    return false;
  }
  socket.onclose = closed;
  try {
    socket.close(code, reason);
  } catch {
    socket.close();
  }
  return true;
}
var isUnrelated = (reason) => /\bE[A-Z_]{5,}|timeout|response: (?!400|426)\d/.test(reason);

// src/token.ts
var STALE = 3e4;
var REFRESH_BEFORE = 1e4;
var REFRESH_PART = 0.5;
var TokenCache = class {
  #get;
  #token;
  #fetchedAt = 0;
  #pending;
  #reason = "connect";
  // why another token is needed
  constructor(get) {
    this.#get = get;
  }
  /** Returns the token to connect with, a new one if the last is of no use. */
  async current() {
    return this.#reason && this.#get ? this.fetch(this.#reason) : this.#token;
  }
  /** Fetches another token. Concurrent calls share one fetch. */
  fetch(reason) {
    if (!this.#pending) {
      const pending = Promise.resolve(reason).then(this.#get).then(
        (token) => {
          if (this.#pending === pending) {
            this.#token = token;
            this.#fetchedAt = Date.now();
            this.#reason = this.#pending = void 0;
          }
          return token;
        },
        (err) => {
          if (this.#pending === pending) {
            this.#pending = void 0;
          }
          throw err;
        }
      );
      this.#pending = pending;
    }
    return this.#pending;
  }
  /** Gives up a fetch that takes too long. */
  abandon() {
    this.#pending = void 0;
  }
  /** Marks the token as of no use. Returns whether another one can be fetched. */
  spend(reason) {
    this.#reason ??= reason;
    return !!this.#get;
  }
  /** Marks a stale token as of no use, after a failed connection. */
  spendStale() {
    if (Date.now() - this.#fetchedAt > STALE) {
      this.spend("refused");
    }
  }
  /** Returns the milliseconds until a token that expires at expiresAt has to be refreshed. */
  refreshIn(expiresAt) {
    const left = expiresAt * 1e3 - Date.now();
    const early = Math.min(left * 0.8, left - REFRESH_BEFORE);
    return left > 0 ? Math.min(MAX_DELAY, Math.max(1e3, left * REFRESH_PART, early)) : REFRESH_BEFORE;
  }
};

// src/client.ts
var STABLE = 5e3;
var WELCOME_TIMEOUT = 2e3;
var Client = class extends Emitter {
  #url;
  #o;
  #state = "closed";
  #token;
  #queue;
  #rooms;
  #watches;
  #heartbeat;
  // State of all connections.
  #attempt = 0;
  #everOpen = false;
  #speaksV1 = false;
  // the server has sent welcome before
  #omitV1 = false;
  // try without azuhost.v1
  #refusesV1 = false;
  // a server that opens without azuhost.v1 did not open with it
  #tokenRefusals = 0;
  // in a row
  #unwatchPage = () => {
  };
  #closeError;
  // the client is closed
  #retry;
  #hostSetDelay = false;
  // the host has set the delay of #retry
  // State of one connection.
  #socket;
  #dial;
  // identifies the connection
  #timers = new Timers();
  #conn = "";
  #v1 = false;
  // welcome was received
  #openedAt = 0;
  #failure = "";
  // the message of the WebSocket's error
  #requests = new Requests(this.#timers);
  /** Does not connect yet. `http` in the URL means `ws`. In browsers the URL may be relative. */
  constructor(url, options = {}) {
    super();
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#url.hash = "";
    this.#o = withDefaults(options);
    this.#token = new TokenCache(this.#o.getToken);
    this.#queue = new Queue(this.#o.queue, (data) => this.emit("drop", { data }));
    const connection = {
      id: () => this.#conn,
      request: this.#request.bind(this),
      retry: (attempt, f) => this.#timers.later(this.#backoff(attempt), f),
      emit: this.emit.bind(this)
    };
    this.#rooms = new Rooms(connection, this.#o.maxHeld);
    this.#watches = new Watches(connection);
    this.#heartbeat = new Heartbeat(
      this.#o,
      () => this.#request("ping", {}, () => {
      }),
      () => this.#onLost(1006, "no answer to a ping")
    );
  }
  get state() {
    return this.#state;
  }
  /** Connects; during a backoff, at once. Resolves when the connection is open, rejects if the client is closed before. */
  connect() {
    if (this.#state === "open") {
      return Promise.resolve();
    }
    const opened = new Promise((resolve, reject) => {
      const off = this.on("state", (state) => {
        if (state === "open" || state === "closed") {
          off();
          state === "open" ? resolve() : reject(this.#closeError);
        }
      });
    });
    opened.catch(() => {
    });
    if (this.#state === "closed") {
      this.#attempt = this.#tokenRefusals = 0;
      this.#closeError = void 0;
      this.#unwatchPage = watchPage((back) => this.#onPageChange(back));
    }
    if (this.#state !== "connecting") {
      this.#connect();
    }
    return opened;
  }
  /**
   * Sends a message, or queues it until the connection is open. `sent` means that the WebSocket has it, not that it
   * arrived. Throws `CLOSED`, and `QUEUE_FULL` if the option `queue` says so.
   */
  send(data) {
    if (this.#closeError) {
      throw this.#closeError;
    }
    const socket = this.#socket;
    if (!this.#isReady() || !socket) {
      return this.#queue.push(data) ? "queued" : "dropped";
    }
    if (socket.bufferedAmount && socket.bufferedAmount + sizeOf(data) > this.#o.queue.bytes) {
      this.#queue.refuse(data);
      return "dropped";
    }
    this.#write(data);
    return "sent";
  }
  /** Closes the connection, and does not reconnect. Queued messages are dropped. Resolves when the WebSocket is closed. */
  close(code = 1e3, reason = "") {
    const socket = this.#socket;
    const opened = this.#state === "open";
    if (this.#state === "closed") {
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
  position(room) {
    return this.#rooms.position(room);
  }
  /** Returns the users in a room that the connection is a member of. The route needs `share_presence`. */
  presence(room) {
    return new Promise((resolve, reject) => {
      const answer = (c) => c.type === "presence" ? resolve(c.users) : reject(toError(c));
      if (!this.#request("presence", { room }, answer)) {
        reject(this.#isReady() ? noProtocol() : disconnected());
      }
    });
  }
  /** Emits `presence` for each change of the users in a room, also after a reconnect. Resolves with the users. */
  watch(room) {
    if (this.#closeError || this.#state === "open" && !this.#v1) {
      return Promise.reject(this.#closeError ?? noProtocol());
    }
    return this.#watches.watch(room);
  }
  unwatch(room) {
    this.#watches.unwatch(room);
  }
  /** Returns the messages from now on, until the client is closed. A loop that is more than `limit` behind gets `QUEUE_FULL`. */
  messages(limit = 1e4) {
    return iterate(this, limit);
  }
  [Symbol.asyncIterator]() {
    return this.messages();
  }
  // ---- The beginning of a connection.
  async #connect() {
    clearTimeout(this.#retry);
    this.#hostSetDelay = false;
    const dial = this.#dial = {};
    this.#failure = "";
    this.#setState("connecting");
    if (this.#dial !== dial) {
      return;
    }
    this.#timers.later(this.#o.connectTimeout, () => {
      this.#token.abandon();
      this.#onLost(1006, "timeout");
    });
    let token;
    try {
      token = await this.#token.current();
    } catch (err) {
      if (this.#dial === dial) {
        this.emit("error", err);
        this.#onLost(1006, "no token");
      }
      return;
    }
    if (this.#dial === dial) {
      this.#open(token);
    }
  }
  #open(token) {
    const { protocols, protocol, WebSocket } = this.#o;
    const url = new URL(this.#url);
    const list = protocol === "off" || this.#omitV1 ? [...protocols] : [PROTOCOL, ...protocols];
    if (token !== void 0) {
      this.#o.tokenIn === "query" ? url.searchParams.set(this.#o.tokenParam, token) : list.push(TOKEN_PREFIX + token);
    }
    let socket;
    try {
      socket = new WebSocket(url.href, list);
    } catch (err) {
      this.emit("error", err);
      this.#detach();
      this.#end({ code: 1006, reason: String(err), opened: false });
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      const auto = protocol !== "require";
      if (socket.protocol === PROTOCOL && protocol !== "off") {
        auto && !this.#speaksV1 && this.#timers.later(WELCOME_TIMEOUT, () => this.#onOpen());
      } else if (!auto) {
        this.#onLost(1006, NO_PROTOCOL);
      } else if (this.#omitV1 && !this.#refusesV1) {
        this.#refusesV1 = true;
        this.#omitV1 = false;
        this.#dropSocket();
        this.#connect();
      } else {
        this.#onOpen();
      }
    };
    socket.onmessage = (e) => this.#onData(e.data);
    socket.onerror = (e) => {
      this.#failure = e.message ?? "";
      if (this.#state !== "open") {
        this.#onLost(1006, this.#failure);
      }
    };
    socket.onclose = (e) => this.#onLost(e.code, e.reason || this.#failure);
  }
  #onOpen() {
    this.#timers.stop();
    this.#openedAt = Date.now();
    const again = this.#everOpen;
    this.#everOpen = true;
    const dial = this.#dial;
    this.#setState("open");
    this.emit("open", { conn: this.#conn, protocol: this.#socket?.protocol ?? "", again });
    for (let data; this.#dial === dial && this.#isReady() && (data = this.#queue.shift()) !== void 0; ) {
      this.#write(data);
    }
    if (this.#dial === dial && !this.#v1) {
      this.#watches.end(noProtocol());
    }
  }
  #onWelcome(c) {
    if (this.#v1) {
      return;
    }
    this.#conn = c.conn;
    this.#v1 = this.#speaksV1 = true;
    if (this.#state !== "open") {
      this.#onOpen();
    }
    if (this.#v1) {
      this.#heartbeat.start();
      this.#watches.opened();
      this.#scheduleRefresh(c.expires_at);
    }
  }
  // ---- An open connection.
  #onData(data) {
    this.#heartbeat.alive();
    const v1 = this.#socket.protocol === PROTOCOL;
    const control = v1 ? decode(data) : void 0;
    if (control) {
      this.#onControl(control);
    } else if (control === void 0) {
      this.#rooms.onData({ data: v1 ? unescape(data) : data });
    }
  }
  #onControl(c) {
    switch (c.type) {
      case "welcome":
        return this.#onWelcome(c);
      case "position":
        return this.#rooms.onPosition(c);
      case "joined":
        this.#rooms.onJoined(c);
        this.#watches.joined(c.room);
        return this.emit("joined", { room: c.room, epoch: c.epoch, offset: c.offset });
      case "left":
        this.#rooms.onLeft(c.room);
        this.#watches.left(c.room);
        return this.emit("left", { room: c.room });
      case "presence_join":
      case "presence_leave":
        return this.#watches.onChange(c);
    }
    if (!this.#requests.settle(c) && c.type === "error") {
      this.emit("error", toError(c));
    }
  }
  #request(type, members, answer) {
    if (!this.#v1 || !this.#isReady()) {
      return false;
    }
    this.#socket.send(this.#requests.add(type, members, answer));
    return true;
  }
  /** Reports whether the WebSocket takes messages. One that is closing would drop them. */
  #isReady() {
    return this.#state === "open" && this.#socket?.readyState === 1;
  }
  #write(data) {
    this.#socket.send(this.#v1 && typeof data === "string" ? escape(data) : data);
  }
  #scheduleRefresh(expiresAt) {
    if (expiresAt !== void 0 && this.#o.getToken) {
      this.#timers.later(this.#token.refreshIn(expiresAt), () => this.#refresh(0));
    }
  }
  async #refresh(attempt) {
    const dial = this.#dial;
    const again = (err) => {
      if (this.#dial === dial) {
        this.emit("error", err);
        this.#timers.later(this.#backoff(attempt + 2), () => this.#refresh(attempt + 1));
      }
    };
    let token;
    try {
      token = await this.#token.fetch("expiring");
    } catch (err) {
      return again(err);
    }
    if (this.#dial === dial) {
      this.#request("token", { token }, (c) => {
        if (c.type === "token") {
          this.#scheduleRefresh(c.expires_at);
        } else {
          this.#token.spend("expired");
          again(toError(c));
        }
      });
    }
  }
  // ---- The end of a connection.
  #onLost(code, reason) {
    const opened = this.#state === "open";
    const tried = this.#socket && this.#socket.protocol !== PROTOCOL && !isUnrelated(reason);
    this.#dropSocket();
    const closing = { code, reason, opened };
    if (opened && Date.now() - this.#openedAt >= STABLE) {
      this.#attempt = this.#tokenRefusals = 0;
    }
    this.#omitV1 = this.#o.protocol === "auto" && !this.#speaksV1 && !opened && (tried ? this.#refusesV1 || !this.#omitV1 : this.#omitV1);
    const retryIn = this.#retryIn(closing);
    if (retryIn === void 0) {
      this.#end(closing);
      return;
    }
    this.#attempt++;
    this.#setState("waiting");
    if (this.#state === "waiting") {
      this.#retry = setTimeout(() => this.#connect(), retryIn);
      this.emit("close", { ...closing, retryIn });
    }
  }
  /** Detaches and ends the WebSocket. */
  #dropSocket() {
    const socket = this.#socket;
    this.#detach();
    if (socket) {
      socket.terminate ? socket.terminate() : closeSocket(socket, 1e3, "", () => {
      });
    }
  }
  /** Returns the delay of the next attempt; undefined: do not reconnect. */
  #retryIn(closing) {
    const { code, opened, reason } = closing;
    const { reconnect, maxDelay } = this.#o;
    const decision = decide(reconnect, closing, (err) => this.emit("error", err));
    let stay = isFinal(code);
    if (code === 3005) {
      stay = !this.#token.spend("expired");
    } else if (code === 3e3) {
      stay = !this.#token.spend("refused") || this.#tokenRefusals++ > 0;
    } else if (!opened) {
      /\b40[13]\b/.test(reason) ? this.#token.spend("refused") : this.#token.spendStale();
    }
    if (decision === false || decision === void 0 && stay) {
      return void 0;
    }
    const delay = typeof decision === "number" ? decision : hostDelay(closing);
    this.#hostSetDelay = delay !== void 0;
    return delay ?? (isOffline() ? maxDelay : this.#backoff(code === 1008 ? 30 : this.#attempt));
  }
  /** Closes the client. */
  #end(closing) {
    const { code, reason } = closing;
    const error = this.#closeError = new AzuhostError("CLOSED", `closed with ${code}${reason && ": " + reason}`);
    this.#unwatchPage();
    this.#setState("closed");
    this.emit("close", { ...closing, retryIn: void 0 });
    if (this.#state === "closed") {
      this.#queue.drop();
      this.#watches.end(error);
    }
  }
  /** Ends the state of the connection. No event of its WebSocket is handled after it. */
  #detach() {
    clearTimeout(this.#retry);
    this.#timers.stop();
    this.#heartbeat.stop();
    const socket = this.#socket;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {
      };
    }
    this.#socket = this.#dial = void 0;
    this.#conn = "";
    this.#v1 = false;
    this.#rooms.reset();
    this.#watches.reset();
    this.#requests.reset();
  }
  #onPageChange(back) {
    if (this.#state === "open" && this.#v1 && this.#o.pingInterval > 0) {
      this.#heartbeat.probe();
    } else if (this.#state === "waiting" && back && !this.#hostSetDelay) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#connect(), this.#backoff(0));
    }
  }
  #setState(state) {
    if (this.#state !== state) {
      this.#state = state;
      this.emit("state", state);
    }
  }
  #backoff(attempt) {
    return fullJitter(attempt, this.#o.minDelay, this.#o.maxDelay);
  }
};
export {
  AzuhostError,
  Client
};
