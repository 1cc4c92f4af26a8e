// The conformance guest in TypeScript. ../README.md describes it.
import * as azu from "azuhost";
import { type Channel, type Conn, type Message, room, store, user } from "azuhost";

let config = "";
let count = 0;
let event = "";

/** The error with which a command ends the hook. */
class Stop extends Error {}

const utf8 = (text: string) => new TextEncoder().encode(text);

export default {
  onLoad(value) {
    config = JSON.stringify(value);
    if (typeof value.do === "string") run(undefined, true, config, value.do);
  },
  onConnect(conn) {
    const script = conn.query("do");
    if (script !== undefined) run(conn, false, conn.target, script);
  },
  onMessage(conn, message) {
    if (message.length === 0 || message[0] === "#" || message[0] === 0x23) return conn.send(message);
    if (typeof message === "string") return run(conn, false, `text ${utf8(message).length}`, message);
    const script = new TextDecoder().decode(message);
    // A string cannot hold bytes that are not UTF-8.
    if (utf8(script).some((byte, i) => byte !== message[i])) return conn.send("!INVALID");
    run(conn, false, `binary ${message.length}`, script);
  },
  onClose: (conn, code, reason) => stored("on_close", conn, true, `${code}|${reason}`),
  onTimer: (name, conn) => stored("on_timer", conn, !conn, name),
  onPresence: (e) => stored("on_presence", undefined, true, `${e.room ?? ""}|${e.user}|${e.joined ? 1 : 0}`),
  onPublish: (to, message) =>
    stored("on_publish", undefined, true, `${to.kind}|${to.name}|${kind(message)}|${text(message)}`),
  onPing: (conn, payload) => stored("on_ping", conn, false, text(payload)),
  onPong: (conn, payload) => stored("on_pong", conn, false, text(payload)),
} satisfies Channel;

const kind = (m: Message) => (typeof m === "string" ? "text" : "binary");
const text = (m: Message) => (typeof m === "string" ? m : new TextDecoder().decode(m));

/** Runs the script of a hook from the store, if there is one. */
function stored(hook: string, conn: Conn | undefined, all: boolean, description: string) {
  const script = store.get(hook);
  if (script !== undefined) run(conn, all, description, script.replaceAll(",", ";").replaceAll("/", "|"));
}

function run(conn: Conn | undefined, all: boolean, description: string, script: string) {
  event = description;
  for (const line of script.split(";")) {
    const [name, a = "", b = "", ...rest] = line.split("|");
    const answer = answerOf(conn ?? azu.connection("0"), name!, a, b, rest.join("|"));
    if (all || !conn) azu.broadcast(answer);
    else conn.send(answer);
  }
}

/** Runs a command. Its result is answered as a value, undefined as ok, an error of the host by its name. */
function answerOf(conn: Conn, name: string, a: string, b: string, c: string): string {
  const command = commands[name];
  if (!command) return "?" + name;
  let value: unknown;
  try {
    value = command(conn, a, b, c);
  } catch (e) {
    if (e instanceof azu.AzuError && name !== "propagate") return "!" + e.code;
    throw e;
  }
  if (value === undefined) return "ok";
  return Array.isArray(value) ? "=" + value.join(",") : String(value).startsWith("!") ? String(value) : "=" + value;
}

/** Return the answers for a value that may be absent, and for a function that returns whether it found a value. */
const valueOrError = (value: string | undefined) => value ?? "!NOT_FOUND";
const foundOrError = (found: boolean) => (found ? undefined : "!NOT_FOUND");
const labels = (s: string) => Object.fromEntries(s.split(",").filter(Boolean).map((l) => l.split("=")));

type Command = (conn: Conn, a: string, b: string, c: string) => unknown;

const commands: Record<string, Command> = {
  send: (conn, a) => conn.send(a),
  send_binary: (conn, a) => conn.send(utf8(a)),
  send_to: (_, a, b) => azu.connection(a).send(b),
  broadcast: (_, a, b) => room(a).broadcast(b),
  broadcast_except: (conn, a, b) => room(a).broadcast(b, { except: conn }),
  broadcast_all: (_, a) => azu.broadcast(a),
  broadcast_all_except: (conn, a) => azu.broadcast(a, { except: conn }),
  send_user: (_, a, b) => user(a).send(b),
  send_users: (_, a, b) => azu.sendUsers(a.split(","), b),
  close: (conn, a, b) => conn.close(Number(a), b),
  join: (conn, a) => conn.join(a),
  leave: (conn, a) => conn.leave(a),
  room_size: (_, a) => room(a).size,
  room_members: (_, a) => room(a).members().map((m) => m.id),
  room_users: (_, a) => room(a).users(),
  rooms: (conn) => conn.rooms(),
  identify: (conn, a) => conn.identify(a),
  user: (conn) => conn.user ?? "",
  online: (_, a) => (user(a).online ? 1 : 0),
  users: () => azu.users(),
  param: (conn, a) => valueOrError(conn.param(a)),
  query: (conn, a) => valueOrError(conn.query(a)),
  header: (conn, a) => valueOrError(conn.header(a)),
  remote_addr: (conn) => conn.remoteAddr,
  subprotocol: (conn) => conn.subprotocol ?? "",
  claims: (conn) => {
    const claims = conn.claims();
    return claims === undefined ? "!NOT_FOUND" : JSON.stringify(claims);
  },
  value_get: (conn, a) => valueOrError(conn.get(a)),
  value_set: (conn, a, b) => conn.set(a, b),
  value_delete: (conn, a) => foundOrError(conn.delete(a)),
  store_get: (_, a) => valueOrError(store.get(a)),
  store_set: (_, a, b, c) => store.set(a, b, { ttl: Number(c) }),
  store_delete: (_, a) => foundOrError(store.delete(a)),
  store_add: (_, a, b, c) => store.add(a, Number(b), { ttl: Number(c) }),
  timer_set: (conn, a, b) => conn.setTimer(a, Number(b)),
  timer_clear: (conn, a) => foundOrError(conn.clearTimer(a)),
  channel_timer_set: (_, a, b) => azu.setTimer(a, Number(b)),
  channel_timer_clear: (_, a) => foundOrError(azu.clearTimer(a)),
  log: (_, a, b) => [azu.log.debug, azu.log.info, azu.log.warn, azu.log.error][Number(a)]!(b),
  counter_add: (_, a, b, c) => azu.counter(a).add(Number(b), labels(c)),
  gauge_set: (_, a, b, c) => azu.gauge(a).set(Number(b), labels(c)),
  histogram_observe: (_, a, b, c) => azu.histogram(a).observe(Number(b), labels(c)),
  now: () => azu.now(),
  id: (conn) => conn.id,
  event: () => event,
  config: () => config,
  count: () => ++count,
  errno: (_, a) => "!" + azu.errorName(Number(a)),
  fail: (_, a) => {
    throw new Stop(a);
  },
  refuse: (_, a) => azu.refuse(Number(a)),
  refuse_close: (_, a) => azu.refuse(Number(a)),
  propagate: (conn) => conn.setTimer("", 0), // INVALID: a missing value is undefined in this SDK, and not an error
  trap: () => {
    throw new Error("trap");
  },
};
