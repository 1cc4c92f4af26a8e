import { Conn, connecting } from "./conn";
import { Refusal } from "./error";
import { install } from "./globals";
import { log, show } from "./log";
import * as raw from "./raw";

declare const __azuhost: Record<string, unknown>;

type Handler = (conn: raw.ID, data: any, arg: number) => unknown;
type Hooks = Record<string, ((...args: any[]) => unknown) | undefined>;

/** How each hook of the ABI calls the method of the channel. The glue calls what is made here. */
const hooks: Record<string, [method: string, call: (h: Hooks) => Handler]> = {
  on_load: ["onLoad", (h) => (_, config) => h.onLoad!(JSON.parse(config))],
  on_connect: ["onConnect", (h) => (conn, target) => {
    connecting(target);
    let going = false;
    try {
      const result = h.onConnect!(new Conn(conn));
      going = result instanceof Promise; // settle forgets the target then
      return result;
    } finally {
      if (!going) connecting(undefined);
    }
  }],
  on_message: ["onMessage", (h) => (conn, message) => h.onMessage!(new Conn(conn), message)],
  on_close: ["onClose", (h) => (conn, reason, code) => h.onClose!(new Conn(conn), code, reason)],
  on_timer: ["onTimer", (h) => (conn, name) => h.onTimer!(name, conn ? new Conn(conn) : undefined)],
  on_ping: ["onPing", (h) => (conn, payload) => h.onPing!(new Conn(conn), payload)],
  on_pong: ["onPong", (h) => (conn, payload) => h.onPong!(new Conn(conn), payload)],
  on_presence: ["onPresence", (h) => (_, data: string, event) => {
    const [room, user] = data.split("\n");
    return h.onPresence!({ room: room || undefined, user, joined: event === 1 });
  }],
  on_publish: ["onPublish", (h) => (_, data: string | Uint8Array) => {
    const [kind, name, message] = published(data);
    return h.onPublish!({ kind, name }, message);
  }],
};

/** Takes apart what on_publish gets: two lines, and the message. */
function published(data: string | Uint8Array): [kind: string, name: string, message: string | Uint8Array] {
  if (typeof data === "string") {
    const first = data.indexOf("\n");
    const second = data.indexOf("\n", first + 1);
    return [data.slice(0, first), data.slice(first + 1, second), data.slice(second + 1)];
  }
  const first = data.indexOf(10);
  const second = data.indexOf(10, first + 1);
  return [raw.utf8Decode(data.slice(0, first)), raw.utf8Decode(data.slice(first + 1, second)), data.slice(second + 1)];
}

const failed = -8;
/** What returned gives when the hook's promise has not settled yet. */
const pending = 1;

/** What became of the promise of the hook that runs. */
let outcome: number | undefined;
/** Numbers the hooks that return promises: one that settles later says nothing about the hook that runs then. */
let current = 0;
/** Promises that were rejected, and nobody has caught it. */
const rejections = new Map<unknown, unknown>();

/** Gives the answer of a hook that threw; called by the glue. */
function thrown(e: unknown): number {
  if (e instanceof Refusal) return e.status;
  raw.fail(show(e));
  return failed;
}

/** Gives the answer of a hook that returned something; called by the glue. */
function returned(result: unknown): number {
  if (!(result instanceof Promise)) return 0;
  outcome = undefined;
  const mine = ++current;
  result.then(() => {
    if (mine === current) outcome = 0;
  }, (e) => {
    if (mine === current) outcome = thrown(e);
    else log.error("a hook that had ended failed later:", e);
  });
  return pending;
}

/** Gives the answer of a hook, or of the script itself, when all its jobs have run; called by the glue. */
function settle(code: number, starting: number): number {
  if (code === pending) {
    code = outcome ?? thrown(new Error("the hook's promise did not settle: nothing outside the plugin can be awaited; use setTimer"));
    current++;
    connecting(undefined);
  }
  if (code === 0 && rejections.size > 0) {
    const [reason] = rejections.values();
    code = thrown(reason);
    if (starting) log.error(reason);
  }
  rejections.clear();
  return code;
}

/** Keeps account of rejections; called by the glue. */
function reject(promise: unknown, reason: unknown, handled: number): void {
  if (handled) rejections.delete(promise);
  else rejections.set(promise, reason);
}

/** The names of what an object has, those of its class included. */
function methods(object: object): string[] {
  const found: string[] = [];
  for (let o: object | null = object; o && o !== Object.prototype && o !== Function.prototype; o = Object.getPrototypeOf(o)) {
    found.push(...Object.getOwnPropertyNames(o));
  }
  return found;
}

/** Starts the plugin with what its file exports. names are the hooks of the host, as the glue numbers them. */
export function start(plugin: Hooks & { default?: Hooks }, names: string[]): void {
  const channel: Hooks = plugin.default ?? {};
  if (typeof channel !== "object" && typeof channel !== "function") {
    throw new TypeError("the default export is no object with hooks");
  }
  const known: string[] = [];
  const found: string[] = [];
  for (const name of names) {
    const [method, call] = hooks[name] ?? [];
    if (!method || !call) continue;
    known.push(method);
    const owner = typeof channel[method] === "function" ? channel : plugin;
    if (typeof owner[method] !== "function") continue;
    found.push(name);
    __azuhost[name] = call(owner as Hooks);
  }
  for (const name of [...Object.keys(plugin), ...methods(channel)]) {
    if (/^on[A-Z]/.test(name) && !known.includes(name)) {
      throw new TypeError(`there is no hook ${name}; there are ${known.join(", ")}`);
    }
  }
  if (found.length === 0 && typeof channel === "function" && methods(channel.prototype ?? {}).some((name) => known.includes(name))) {
    throw new TypeError("the default export is a class: export default new " + (channel.name || "Channel") + "()");
  }
  if (found.length === 0) {
    throw new TypeError(`it exports no hook; export default { onMessage(conn, message) { … } }, or a function of such a name; there are ${known.join(", ")}`);
  }
  const report = __azuhost["report"] as ((text: string) => void) | undefined;
  report?.(JSON.stringify({ hooks: found, used: raw.used }));
}

install();
Object.assign(__azuhost, { thrown, returned, settle, reject }); // before the script runs, which may reject
