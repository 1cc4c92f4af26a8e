// The host functions of sdk/ABI.md, as the glue of `azuhost build` hands them
// over, and nothing else. A pair of address and length is one argument: a
// string, or bytes. A getter's last argument says whether bytes are wanted. The
// result is what the host gave, or a negative error number.

/** What goes over as a pair of address and length. */
export type Data = string | Uint8Array;
/** A connection. Numbers beyond 2^53 are bigints. */
export type ID = number | bigint;

declare const __azuhost: Record<string, unknown>;

/** The names of the functions that are used, for the builder. */
export const used: string[] = [];

function host<F>(name: string): F {
  used.push(name);
  return __azuhost[name] as F;
}

type Asks = (...args: (Data | ID)[]) => number;
type Gets = (...args: (Data | ID | boolean)[]) => string | Uint8Array | number;

export const send = /* @__PURE__ */ host<(conn: ID, kind: number, data: Data) => number>("send");
export const broadcast = /* @__PURE__ */ host<(room: Data, kind: number, data: Data, except: ID) => number>("broadcast");
export const broadcastAll = /* @__PURE__ */ host<(kind: number, data: Data, except: ID) => number>("broadcast_all");
export const sendUser = /* @__PURE__ */ host<(user: Data, kind: number, data: Data) => number>("send_user");
export const sendUsers = /* @__PURE__ */ host<(users: Data, kind: number, data: Data) => number>("send_users");
export const close = /* @__PURE__ */ host<(conn: ID, code: number, reason: Data) => number>("close");

export const join = /* @__PURE__ */ host<Asks>("join");
export const leave = /* @__PURE__ */ host<Asks>("leave");
export const roomSize = /* @__PURE__ */ host<Asks>("room_size");
export const roomMembers = /* @__PURE__ */ host<Gets>("room_members");
export const roomUsers = /* @__PURE__ */ host<Gets>("room_users");
export const rooms = /* @__PURE__ */ host<Gets>("rooms");

export const identify = /* @__PURE__ */ host<Asks>("identify");
export const user = /* @__PURE__ */ host<Gets>("user");
export const online = /* @__PURE__ */ host<Asks>("online");
export const users = /* @__PURE__ */ host<Gets>("users");

export const param = /* @__PURE__ */ host<Gets>("param");
export const query = /* @__PURE__ */ host<Gets>("query");
export const header = /* @__PURE__ */ host<Gets>("header");
export const claims = /* @__PURE__ */ host<Gets>("claims");
export const remoteAddr = /* @__PURE__ */ host<Gets>("remote_addr");
export const subprotocol = /* @__PURE__ */ host<Gets>("subprotocol");

export const valueGet = /* @__PURE__ */ host<Gets>("value_get");
export const valueSet = /* @__PURE__ */ host<Asks>("value_set");
export const valueDelete = /* @__PURE__ */ host<Asks>("value_delete");

export const storeGet = /* @__PURE__ */ host<Gets>("store_get");
export const storeSet = /* @__PURE__ */ host<(key: Data, data: Data, ttl: ID) => number>("store_set");
export const storeDelete = /* @__PURE__ */ host<Asks>("store_delete");
/** The result is the sum, or an object that holds the error number: sums may be negative. */
export const storeAdd = /* @__PURE__ */ host<(key: Data, delta: ID, ttl: ID) => ID | [number]>("store_add");

export const timerSet = /* @__PURE__ */ host<(conn: ID, name: Data, after: ID) => number>("timer_set");
export const timerClear = /* @__PURE__ */ host<Asks>("timer_clear");

export const log = /* @__PURE__ */ host<(level: number, text: Data) => number>("log");
export const metric = /* @__PURE__ */ host<(op: number, name: Data, labels: Data, value: number) => number>("metric");
export const now = /* @__PURE__ */ host<() => ID>("now");
export const fail = /* @__PURE__ */ host<(text: Data) => number>("fail");

// What the glue has of its own: not the host's.
export const utf8Encode = /* @__PURE__ */ host<(text: string) => Uint8Array>("utf8_encode");
export const utf8Decode = /* @__PURE__ */ host<(bytes: Uint8Array) => string>("utf8_decode");
export const random = /* @__PURE__ */ host<(length: number) => Uint8Array>("random");
export const jsonDepth = /* @__PURE__ */ host<(text: string) => number>("json_depth");
export const sourceMap = /* @__PURE__ */ host<() => string>("source_map");
