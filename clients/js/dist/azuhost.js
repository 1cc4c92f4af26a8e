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
var TOKEN = "azuhost.token.";
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
var isLater = ({ code }) => code === "UNAVAILABLE" || code === "LIMIT" || code === "TIMEOUT";
var problem = (code, message) => ({ type: "error", code, message });
var refused = (c) => new AzuhostError(c.code, c.message);
var NO_PROTOCOL = "the server does not speak " + PROTOCOL;
var noProtocol = () => new AzuhostError("NO_PROTOCOL", NO_PROTOCOL);
var disconnected = () => new AzuhostError("DISCONNECTED", "not connected");

// src/asked.ts
var ANSWER = 1e4;
var Asked = class {
  #answers = /* @__PURE__ */ new Map();
  #id = 0;
  #timers;
  constructor(timers) {
    this.#timers = timers;
  }
  /** The message to send. answer is called once: with what the host says, or why it says nothing. */
  ask(type, members, answer) {
    const id = ++this.#id;
    const answers = this.#answers.set(id, answer);
    this.#timers.later(ANSWER, () => answers.delete(id) && answer(problem("TIMEOUT", "no answer")));
    return encodeControl({ type, id, ...members });
  }
  /** Hands an answer on. Says whether it is one to something that was asked. */
  answered(c) {
    const answer = this.#answers.get(c.id);
    this.#answers.delete(c.id);
    answer?.(c);
    return !!answer;
  }
  /** The connection is lost, and with it what was asked. */
  lost() {
    const answers = this.#answers;
    this.#answers = /* @__PURE__ */ new Map();
    answers.forEach((answer) => answer(problem("DISCONNECTED", "not connected")));
  }
};

// src/timers.ts
var LONGEST = 2 ** 31 - 1;
var Timers = class {
  #timers = /* @__PURE__ */ new Set();
  /** Calls f after that many milliseconds, unless stopped before. */
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
var LONGEST2 = 6e5;
function told({ code, reason }) {
  let delay;
  if (code === 3001) {
    try {
      delay = JSON.parse(reason).reconnect_after_ms;
    } catch {
    }
  } else if (code === 1012) {
    delay = Number(/^reconnect in (\d+) ms$/.exec(reason)?.[1]);
  }
  return typeof delay === "number" && delay >= 0 ? Math.min(delay, LONGEST2) : void 0;
}
var final = (code) => code === 1e3 || code === 1010 || code === 3003 || code >= 4e3 && code < 5e3;
function wanted(reconnect, closing, threw) {
  if (typeof reconnect !== "function") {
    return reconnect === false ? false : void 0;
  }
  try {
    const answer = reconnect(closing);
    return typeof answer !== "number" ? answer : answer >= 0 ? Math.min(answer, LONGEST) : void 0;
  } catch (err) {
    threw(err);
    return void 0;
  }
}

// src/events.ts
var Emitter = class {
  #listeners = /* @__PURE__ */ new Map();
  /** Calls the listener for each such event. Gives a function that ends it. */
  on(type, listener) {
    let all = this.#listeners.get(type);
    if (!all) {
      this.#listeners.set(type, all = /* @__PURE__ */ new Set());
    }
    all.add(listener);
    return () => this.off(type, listener);
  }
  /** Calls the listener for the next such event. Gives a function that ends it. */
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
  /** A listener that throws upsets neither the others nor the client: its error is reported as uncaught. */
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
  #heard = false;
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
  /** Something came: the connection lives. */
  heard() {
    this.#heard = true;
  }
  /** Pings now. An answer, or anything else, has to come in time. */
  probe() {
    this.stop();
    this.#heard = false;
    this.#timer = setTimeout(() => this.#heard ? this.start() : this.#dead(), this.#o.pingTimeout);
    this.#ping();
  }
  stop() {
    clearTimeout(this.#timer);
  }
  #wait() {
    this.#heard = false;
    this.#timer = setTimeout(() => this.#heard ? this.#wait() : this.probe(), this.#o.pingInterval);
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
    throw new TypeError("there is no WebSocket here: npm install ws, and pass { WebSocket } of it");
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

// src/presence.ts
var Watches = class {
  #rooms = /* @__PURE__ */ new Map();
  #host;
  constructor(host) {
    this.#host = host;
  }
  watch(room) {
    let w = this.#rooms.get(room);
    if (!w) {
      this.#rooms.set(room, w = { users: /* @__PURE__ */ new Set(), live: false, asked: null, waiting: [] });
    }
    if (w.live) {
      return Promise.resolve([...w.users].sort());
    }
    return new Promise((resolve, reject) => {
      if (w.waiting.push({ resolve, reject }) === 1) {
        this.#ask(room, w, 0);
      }
    });
  }
  unwatch(room) {
    const w = this.#rooms.get(room);
    if (w) {
      this.#forget(room, w, new AzuhostError("CLOSED", "not watched any more"));
      this.#host.ask("presence", { room, watch: false }, () => {
      });
    }
  }
  /** There is a connection: watch everything in it, too. */
  opened() {
    for (const [room, w] of this.#rooms) {
      this.#ask(room, w, 0);
    }
  }
  joined(room) {
    const w = this.#rooms.get(room);
    if (w && !w.live) {
      this.#ask(room, w, 0);
    }
  }
  left(room) {
    const w = this.#rooms.get(room);
    if (w) {
      this.#forget(room, w, new AzuhostError("NOT_MEMBER", "it has left the room"));
    }
  }
  lost() {
    for (const w of this.#rooms.values()) {
      w.live = false;
      w.asked = null;
    }
  }
  /** The client is closed, or the server does not know presence. */
  end(err) {
    for (const [room, w] of this.#rooms) {
      this.#forget(room, w, err);
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
  #ask(room, w, attempt) {
    const asked = w.asked = {};
    this.#host.ask("presence", { room, watch: true }, (c) => w.asked === asked && this.#answered(room, w, c, attempt, asked));
  }
  #answered(room, w, c, attempt, asked) {
    if (c.type === "presence") {
      w.asked = null;
      w.live = true;
      this.#set(room, w, new Set(c.users));
      for (const { resolve } of w.waiting.splice(0)) {
        resolve(c.users);
      }
      return;
    }
    const err = refused(c);
    if (isLater(c) || c.code === "NOT_MEMBER" && !w.waiting.length) {
      this.#host.later(attempt, () => w.asked === asked && this.#ask(room, w, attempt + 1));
    } else {
      if (!w.waiting.length) {
        this.#host.emit("error", err);
      }
      this.#forget(room, w, err);
    }
  }
  #set(room, w, users) {
    const without = (a, b) => [...a].filter((u) => !b.has(u));
    const joined = without(users, w.users);
    const left = without(w.users, users);
    w.users = users;
    if (joined.length || left.length) {
      this.#host.emit("presence", { room, users: [...users].sort(), joined, left });
    }
  }
  #forget(room, w, err) {
    this.#rooms.delete(room);
    w.asked = null;
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
  /** Says whether the message waits, and not another one or none instead. */
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
  /** What happens to a message for which there is no room. */
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
  drop() {
    for (let data; (data = this.shift()) !== void 0; ) {
      this.#dropped(data);
    }
  }
};

// src/recovery.ts
var key = (epoch, offset) => offset + epoch;
var FORGOTTEN = 1e3;
var Rooms = class {
  #rooms = /* @__PURE__ */ new Map();
  #next;
  #host;
  #maxHeld;
  constructor(host, maxHeld) {
    this.#host = host;
    this.#maxHeld = maxHeld;
  }
  /** Where a room stands: after the last message that was handed on. */
  position(room) {
    const r = this.#rooms.get(room);
    return r && { epoch: r.epoch, offset: r.offset };
  }
  /** The connection is lost: what was held back will be asked for again. */
  lost() {
    this.#next = void 0;
    for (const [name, r] of this.#rooms) {
      if (!r.live && !r.asked && this.#rooms.size > FORGOTTEN) {
        this.#rooms.delete(name);
      }
      r.live = false;
      r.tries = 0;
      r.asked = null;
      r.held.clear();
    }
  }
  data(message) {
    const p = this.#next;
    this.#next = void 0;
    if (!p) {
      this.#host.emit("message", message);
      return;
    }
    const { room, epoch, offset } = p;
    Object.assign(message, { room, epoch, offset });
    this.#arrive(p, message);
  }
  onPosition(p) {
    if (p.skip) {
      this.#arrive(p, null);
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
      this.#inStep(r);
      return;
    }
    r.newest = p;
    if (!r.asked) {
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
      conn: this.#host.conn(),
      live: true,
      newest: { epoch, offset },
      held: /* @__PURE__ */ new Map(),
      asked: null,
      target: -1,
      ready: 0,
      count: 0,
      tries: 0
    };
    this.#rooms.set(name, r);
    return r;
  }
  /** Something of a room is here: a message, or only its place. */
  #arrive(p, message) {
    const r = this.#rooms.get(p.room) ?? this.#add(p, p.offset - 1);
    const known2 = p.epoch === r.epoch;
    r.newest = p;
    if (known2 && p.offset <= r.offset) {
      return;
    }
    if (!r.asked && known2 && p.offset === r.offset + 1) {
      this.#inStep(r);
      this.#hand(r, p.offset, message);
      return;
    }
    if (r.held.size >= this.#maxHeld) {
      this.#giveUp(r);
      return;
    }
    r.held.set(key(p.epoch, p.offset), { epoch: p.epoch, offset: p.offset, message, asked: r.asked });
    if (r.asked) {
      this.#complete(r);
    } else {
      this.#recover(r);
    }
  }
  #hand(r, offset, message) {
    r.offset = offset;
    r.tries = 0;
    if (message) {
      this.#host.emit("message", message);
    }
  }
  /** The room goes on in this connection. */
  #inStep(r) {
    r.conn = this.#host.conn();
    if (!r.live) {
      this.#tell(r, true, r.offset);
    }
  }
  #tell(r, recovered, offset, count = 0) {
    r.asked = null;
    r.live = true;
    r.conn = this.#host.conn();
    this.#host.emit("recovered", { room: r.name, recovered, epoch: r.epoch, offset, count });
  }
  /** Asks for what is missing: at once, and then, where that brought nothing, after longer and longer whiles. */
  #recover(r) {
    const asked = r.asked = {};
    r.target = -1;
    const ask = () => {
      if (r.asked === asked) {
        const { name, epoch, offset, conn } = r;
        this.#host.ask("recover", { room: name, epoch, offset, conn }, (answer) => r.asked === asked && this.#answered(r, answer));
      }
    };
    if (r.tries++) {
      this.#host.later(r.tries - 2, ask);
    } else {
      ask();
    }
  }
  #answered(r, answer) {
    if (answer.type === "recovered") {
      for (const [k, h] of r.held) {
        if (h.epoch === answer.epoch ? h.offset <= answer.offset : h.asked !== r.asked) {
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
      this.#startAt(r, answer);
    } else if (answer.code === "NOT_MEMBER") {
      this.#rooms.delete(r.name);
    } else if (isLater(answer)) {
      this.#recover(r);
    } else {
      this.#giveUp(r);
    }
  }
  /** Once all that was missed is here, and not before, it is handed on. */
  #complete(r) {
    for (let h; r.ready < r.target && (h = r.held.get(key(r.epoch, r.ready + 1))); r.ready++) {
      r.count += h.message ? 1 : 0;
    }
    if (r.target >= 0 && r.ready >= r.target) {
      this.#tell(r, true, r.ready, r.count);
      this.#flush(r);
    }
  }
  /** Some messages are lost: the room goes on behind them. */
  #startAt(r, { epoch, offset }) {
    r.epoch = epoch;
    r.offset = offset;
    this.#tell(r, false, offset);
    this.#flush(r);
  }
  #giveUp(r) {
    r.held.clear();
    this.#startAt(r, r.newest);
  }
  /** Hands on what was held back, up to where something is missing again. */
  #flush(r) {
    for (let k, next; next = r.held.get(k = key(r.epoch, r.offset + 1)); ) {
      r.held.delete(k);
      this.#hand(r, next.offset, next.message);
    }
    for (const [k, { epoch, offset }] of r.held) {
      if (epoch === r.epoch && offset <= r.offset) {
        r.held.delete(k);
      }
    }
    if (r.held.size && r.live && !r.asked) {
      this.#recover(r);
    }
  }
};

// src/shut.ts
function shut(socket, code, reason, closed) {
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
var known = (reason) => /\bE[A-Z_]{5,}|timeout|response: (?!400|426)\d/.test(reason);

// src/token.ts
var STALE = 3e4;
var AHEAD = 1e4;
var PART = 0.5;
var Keeper = class {
  #get;
  #token;
  #at = 0;
  #asked;
  #reason = "connect";
  constructor(get) {
    this.#get = get;
  }
  /** The token to connect with: the one that there is, unless it is spent. */
  async current() {
    return this.#reason && this.#get ? this.fresh(this.#reason) : this.#token;
  }
  /** Another token. All who ask meanwhile get the same one. */
  fresh(reason) {
    if (!this.#asked) {
      const asked = Promise.resolve(reason).then(this.#get).then(
        (token) => {
          if (this.#asked === asked) {
            this.#token = token;
            this.#at = Date.now();
            this.#reason = this.#asked = void 0;
          }
          return token;
        },
        (err) => {
          if (this.#asked === asked) {
            this.#asked = void 0;
          }
          throw err;
        }
      );
      this.#asked = asked;
    }
    return this.#asked;
  }
  /** What was asked for takes too long. */
  forget() {
    this.#asked = void 0;
  }
  /** The token is of no use any more. Says whether there may be another one. */
  spend(reason) {
    this.#reason ??= reason;
    return !!this.#get;
  }
  /** A handshake failed, for whatever reason. */
  doubt() {
    if (Date.now() - this.#at > STALE) {
      this.spend("refused");
    }
  }
  /** When to refresh a token that ends at that time, in milliseconds from now. */
  refreshIn(expiresAt) {
    const left = expiresAt * 1e3 - Date.now();
    return left > 0 ? Math.min(LONGEST, Math.max(1e3, left * PART, Math.min(left * 0.8, left - AHEAD))) : AHEAD;
  }
};

// src/wake.ts
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
var offline = () => typeof navigator !== "undefined" && navigator.onLine === false;

// src/client.ts
var STABLE = 5e3;
var WELCOME = 2e3;
var Client = class extends Emitter {
  #url;
  #o;
  #state = "closed";
  #token;
  #queue;
  #rooms;
  #watches;
  #heartbeat;
  // All connections.
  #attempt = 0;
  #everOpen = false;
  #speaks = false;
  // the server has spoken azuhost.v1
  #plain = false;
  // try without it
  #refuses = false;
  // a server that is there did not open with it
  #refused = 0;
  // times in a row that the token was not accepted
  #unwatchPage = () => {
  };
  #why;
  // it is closed for good
  #retry;
  #sentAway = false;
  // the host has said when to come back
  // One connection.
  #socket;
  #dial;
  // another one for each
  #timers = new Timers();
  #conn = "";
  #v1 = false;
  #openedAt = 0;
  #failure = "";
  #asked = new Asked(this.#timers);
  /** Does not connect yet. `http` in the URL means `ws`; in browsers it may be relative. */
  constructor(url, options = {}) {
    super();
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#url.hash = "";
    this.#o = withDefaults(options);
    this.#token = new Keeper(this.#o.getToken);
    this.#queue = new Queue(this.#o.queue, (data) => this.emit("drop", { data }));
    const host = {
      conn: () => this.#conn,
      ask: this.#ask.bind(this),
      later: (attempt, f) => this.#timers.later(this.#backoff(attempt), f),
      emit: this.emit.bind(this)
    };
    this.#rooms = new Rooms(host, this.#o.maxHeld);
    this.#watches = new Watches(host);
    this.#heartbeat = new Heartbeat(
      this.#o,
      () => this.#ask("ping", {}, () => {
      }),
      () => this.#lost(1006, "no answer to a ping")
    );
  }
  get state() {
    return this.#state;
  }
  /** Connects; while it waits, at once. Resolves when it is open, rejects when it is closed for good before. */
  connect() {
    if (this.#state === "open") {
      return Promise.resolve();
    }
    const opened = new Promise((resolve, reject) => {
      const off = this.on("state", (state) => {
        if (state === "open" || state === "closed") {
          off();
          state === "open" ? resolve() : reject(this.#why);
        }
      });
    });
    opened.catch(() => {
    });
    if (this.#state === "closed") {
      this.#attempt = this.#refused = 0;
      this.#why = void 0;
      this.#unwatchPage = watchPage((back) => this.#wake(back));
    }
    if (this.#state !== "connecting") {
      this.#connect();
    }
    return opened;
  }
  /**
   * Sends a message, or has it wait for the connection: `sent` says that the WebSocket has it, and not that it arrived.
   * Throws `CLOSED`, and `QUEUE_FULL` as the option `queue` says.
   */
  send(data) {
    if (this.#why) {
      throw this.#why;
    }
    const socket = this.#socket;
    if (!this.#ready() || !socket) {
      return this.#queue.push(data) ? "queued" : "dropped";
    }
    if (socket.bufferedAmount && socket.bufferedAmount + sizeOf(data) > this.#o.queue.bytes) {
      this.#queue.refuse(data);
      return "dropped";
    }
    this.#write(data);
    return "sent";
  }
  /** Closes the connection, and stays away. What waits to be sent is dropped. Resolves when the WebSocket is closed. */
  close(code = 1e3, reason = "") {
    const socket = this.#socket;
    const opened = this.#state === "open";
    if (this.#state === "closed") {
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
  position(room) {
    return this.#rooms.position(room);
  }
  /** Who is in a room that the connection is a member of? The route needs `share_presence`. */
  presence(room) {
    return new Promise((resolve, reject) => {
      const answer = (c) => c.type === "presence" ? resolve(c.users) : reject(refused(c));
      if (!this.#ask("presence", { room }, answer)) {
        reject(this.#ready() ? noProtocol() : disconnected());
      }
    });
  }
  /** Has the event `presence` tell of changes in a room, over all connections. Resolves with who is there. */
  watch(room) {
    if (this.#why || this.#state === "open" && !this.#v1) {
      return Promise.reject(this.#why ?? noProtocol());
    }
    return this.#watches.watch(room);
  }
  unwatch(room) {
    this.#watches.unwatch(room);
  }
  /** The messages from now on, for `for await`, until the client is closed. A loop that is more than `limit` behind gets `QUEUE_FULL`. */
  messages(limit = 1e4) {
    return iterate(this, limit);
  }
  [Symbol.asyncIterator]() {
    return this.messages();
  }
  // ---- A connection begins.
  async #connect() {
    clearTimeout(this.#retry);
    this.#sentAway = false;
    const dial = this.#dial = {};
    this.#failure = "";
    this.#become("connecting");
    if (this.#dial !== dial) {
      return;
    }
    this.#timers.later(this.#o.connectTimeout, () => {
      this.#token.forget();
      this.#lost(1006, "timeout");
    });
    let token;
    try {
      token = await this.#token.current();
    } catch (err) {
      if (this.#dial === dial) {
        this.emit("error", err);
        this.#lost(1006, "no token");
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
    const list = protocol === "off" || this.#plain ? [...protocols] : [PROTOCOL, ...protocols];
    if (token !== void 0) {
      this.#o.tokenIn === "query" ? url.searchParams.set(this.#o.tokenParam, token) : list.push(TOKEN + token);
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
        auto && !this.#speaks && this.#timers.later(WELCOME, () => this.#opened());
      } else if (!auto) {
        this.#lost(1006, NO_PROTOCOL);
      } else if (this.#plain && !this.#refuses) {
        this.#refuses = true;
        this.#plain = false;
        this.#leave();
        this.#connect();
      } else {
        this.#opened();
      }
    };
    socket.onmessage = (e) => this.#received(e.data);
    socket.onerror = (e) => {
      this.#failure = e.message ?? "";
      if (this.#state !== "open") {
        this.#lost(1006, this.#failure);
      }
    };
    socket.onclose = (e) => this.#lost(e.code, e.reason || this.#failure);
  }
  #opened() {
    this.#timers.stop();
    this.#openedAt = Date.now();
    const again = this.#everOpen;
    this.#everOpen = true;
    const dial = this.#dial;
    this.#become("open");
    this.emit("open", { conn: this.#conn, protocol: this.#socket?.protocol ?? "", again });
    for (let data; this.#dial === dial && this.#ready() && (data = this.#queue.shift()) !== void 0; ) {
      this.#write(data);
    }
    if (this.#dial === dial && !this.#v1) {
      this.#watches.end(noProtocol());
    }
  }
  #welcome(c) {
    if (this.#v1) {
      return;
    }
    this.#conn = c.conn;
    this.#v1 = this.#speaks = true;
    if (this.#state !== "open") {
      this.#opened();
    }
    if (this.#v1) {
      this.#heartbeat.start();
      this.#watches.opened();
      this.#refreshAt(c.expires_at);
    }
  }
  // ---- A connection is open.
  #received(data) {
    this.#heartbeat.heard();
    const v1 = this.#socket.protocol === PROTOCOL;
    const control = v1 ? decode(data) : void 0;
    if (control) {
      this.#control(control);
    } else if (control === void 0) {
      this.#rooms.data({ data: v1 ? unescape(data) : data });
    }
  }
  #control(c) {
    switch (c.type) {
      case "welcome":
        return this.#welcome(c);
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
    if (!this.#asked.answered(c) && c.type === "error") {
      this.emit("error", refused(c));
    }
  }
  #ask(type, members, answer) {
    if (!this.#v1 || !this.#ready()) {
      return false;
    }
    this.#socket.send(this.#asked.ask(type, members, answer));
    return true;
  }
  /** Says whether the WebSocket takes what is sent: one that is closing drops it. */
  #ready() {
    return this.#state === "open" && this.#socket?.readyState === 1;
  }
  #write(data) {
    this.#socket.send(this.#v1 && typeof data === "string" ? escape(data) : data);
  }
  #refreshAt(expiresAt) {
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
      token = await this.#token.fresh("expiring");
    } catch (err) {
      return again(err);
    }
    if (this.#dial === dial) {
      this.#ask("token", { token }, (c) => {
        if (c.type === "token") {
          this.#refreshAt(c.expires_at);
        } else {
          this.#token.spend("expired");
          again(refused(c));
        }
      });
    }
  }
  // ---- A connection ends.
  #lost(code, reason) {
    const opened = this.#state === "open";
    const tried = this.#socket && this.#socket.protocol !== PROTOCOL && !known(reason);
    this.#leave();
    const closing = { code, reason, opened };
    if (opened && Date.now() - this.#openedAt >= STABLE) {
      this.#attempt = this.#refused = 0;
    }
    this.#plain = this.#o.protocol === "auto" && !this.#speaks && !opened && (tried ? this.#refuses || !this.#plain : this.#plain);
    const retryIn = this.#retryIn(closing);
    if (retryIn === void 0) {
      this.#end(closing);
      return;
    }
    this.#attempt++;
    this.#become("waiting");
    if (this.#state === "waiting") {
      this.#retry = setTimeout(() => this.#connect(), retryIn);
      this.emit("close", { ...closing, retryIn });
    }
  }
  /** Lets go of the WebSocket, and ends it. */
  #leave() {
    const socket = this.#socket;
    this.#detach();
    if (socket) {
      socket.terminate ? socket.terminate() : shut(socket, 1e3, "", () => {
      });
    }
  }
  /** When to connect again; undefined: not at all. */
  #retryIn(closing) {
    const { code, opened, reason } = closing;
    const { reconnect, maxDelay } = this.#o;
    const wish = wanted(reconnect, closing, (err) => this.emit("error", err));
    let stay = final(code);
    if (code === 3005) {
      stay = !this.#token.spend("expired");
    } else if (code === 3e3) {
      stay = !this.#token.spend("refused") || this.#refused++ > 0;
    } else if (!opened) {
      /\b40[13]\b/.test(reason) ? this.#token.spend("refused") : this.#token.doubt();
    }
    if (wish === false || wish === void 0 && stay) {
      return void 0;
    }
    const delay = typeof wish === "number" ? wish : told(closing);
    this.#sentAway = delay !== void 0;
    return delay ?? (offline() ? maxDelay : this.#backoff(code === 1008 ? 30 : this.#attempt));
  }
  /** Closed for good. */
  #end(closing) {
    const { code, reason } = closing;
    const why = this.#why = new AzuhostError("CLOSED", `closed with ${code}${reason && ": " + reason}`);
    this.#unwatchPage();
    this.#become("closed");
    this.emit("close", { ...closing, retryIn: void 0 });
    if (this.#state === "closed") {
      this.#queue.drop();
      this.#watches.end(why);
    }
  }
  /** Lets go of the connection: nothing of it comes through any more. */
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
    this.#rooms.lost();
    this.#watches.lost();
    this.#asked.lost();
  }
  #wake(back) {
    if (this.#state === "open" && this.#v1 && this.#o.pingInterval > 0) {
      this.#heartbeat.probe();
    } else if (this.#state === "waiting" && back && !this.#sentAway) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#connect(), this.#backoff(0));
    }
  }
  #become(state) {
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
