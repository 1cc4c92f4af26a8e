import { Conn, setTarget } from "./conn";
import { Refusal } from "./error";
import { install } from "./globals";
import { log, show } from "./log";
import * as raw from "./raw";

declare const __azuhost: Record<string, unknown>;

type Handler = (conn: raw.ID, data: any, arg: number) => unknown;
type Hooks = Record<string, ((...args: any[]) => unknown) | undefined>;

/** The method of the channel for each hook of the ABI, and the handler that calls it. The glue calls the handlers. */
const hooks: Record<string, [method: string, call: (h: Hooks) => Handler]> = {
  on_load: ["onLoad", (h) => (_, config) => h.onLoad!(JSON.parse(config))],
  on_connect: ["onConnect", (h) => (conn, target) => {
    setTarget(target);
    let isPromise = false;
    try {
      const result = h.onConnect!(new Conn(conn));
      isPromise = result instanceof Promise; // settle clears the target later
      return result;
    } finally {
      if (!isPromise) setTarget(undefined);
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
    const [kind, name, message] = parsePublication(data);
    return h.onPublish!({ kind, name }, message);
  }],
};

/** Splits the event of on_publish into the kind of the target, its name and the message. */
function parsePublication(data: string | Uint8Array): [kind: string, name: string, message: string | Uint8Array] {
  if (typeof data === "string") {
    const first = data.indexOf("\n");
    const second = data.indexOf("\n", first + 1);
    return [data.slice(0, first), data.slice(first + 1, second), data.slice(second + 1)];
  }
  const first = data.indexOf(10);
  const second = data.indexOf(10, first + 1);
  return [raw.utf8Decode(data.slice(0, first)), raw.utf8Decode(data.slice(first + 1, second)), data.slice(second + 1)];
}

/** The error number FAILED. */
const failed = -8;
/** The result of returned for a promise that has not settled. */
const pending = 1;

/** The result of the running hook, after its promise has settled. */
let outcome: number | undefined;
/**
 * Counts the hooks that return promises. A promise that settles after its hook must not change the result of another.
 */
let current = 0;
/** The rejected promises that nothing has caught, with their reasons. */
const rejections = new Map<unknown, unknown>();

/** Returns the result of a hook that threw e. The glue calls it. */
function thrown(e: unknown): number {
  if (e instanceof Refusal) return e.status;
  raw.fail(show(e));
  return failed;
}

/** Returns the result of a hook that returned a value: 0, or pending for a promise. The glue calls it. */
function returned(value: unknown): number {
  if (!(value instanceof Promise)) return 0;
  outcome = undefined;
  const hook = ++current;
  value.then(() => {
    if (hook === current) outcome = 0;
  }, (e) => {
    if (hook === current) outcome = thrown(e);
    else log.error("a hook failed after it had ended:", e);
  });
  return pending;
}

/**
 * Returns the result of a hook after all of its jobs have run. code is the result of returned or thrown. starting is
 * not 0 if the script itself has run instead of a hook. The glue calls it.
 */
function settle(code: number, starting: number): number {
  if (code === pending) {
    code = outcome ?? thrown(new Error("the promise of the hook did not settle: use setTimer for later work"));
    current++;
    setTarget(undefined);
  }
  if (code === 0 && rejections.size > 0) {
    const [reason] = rejections.values();
    code = thrown(reason);
    if (starting) log.error(reason);
  }
  rejections.clear();
  return code;
}

/** Records that a promise was rejected, or that its rejection was handled. The glue calls it. */
function reject(promise: unknown, reason: unknown, handled: number): void {
  if (handled) rejections.delete(promise);
  else rejections.set(promise, reason);
}

/** Returns the names of the properties of an object and of its classes. */
function propertyNames(object: object): string[] {
  const found: string[] = [];
  let o: object | null = object;
  while (o && o !== Object.prototype && o !== Function.prototype) {
    found.push(...Object.getOwnPropertyNames(o));
    o = Object.getPrototypeOf(o);
  }
  return found;
}

/**
 * Registers the hooks that a plugin exports with the glue. names are the hooks of the ABI. Throws if there is a
 * mistake.
 */
export function start(plugin: Hooks & { default?: Hooks }, names: string[]): void {
  const channel: Hooks = plugin.default ?? {};
  if (typeof channel !== "object" && typeof channel !== "function") {
    throw new TypeError("the default export is not an object with hooks");
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
  for (const name of [...Object.keys(plugin), ...propertyNames(channel)]) {
    if (/^on[A-Z]/.test(name) && !known.includes(name)) {
      throw new TypeError(`there is no hook ${name}: the hooks are ${known.join(", ")}`);
    }
  }
  if (found.length === 0) {
    const exported: unknown = plugin.default;
    const inClass = typeof exported === "function" ? propertyNames(exported.prototype ?? {}) : [];
    if (typeof exported === "function" && inClass.some((name) => known.includes(name))) {
      throw new TypeError(`the default export is a class: export default new ${exported.name || "Channel"}()`);
    }
    throw new TypeError(
      "it exports no hook: export default { onMessage(conn, message) { … } }, or functions with names of hooks, " +
        `which are ${known.join(", ")}`,
    );
  }
  const report = __azuhost["report"] as ((text: string) => void) | undefined;
  report?.(JSON.stringify({ hooks: found, used: raw.used }));
}

install();
// The script runs after this line, and may reject promises.
Object.assign(__azuhost, { thrown, returned, settle, reject });
