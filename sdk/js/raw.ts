// The host functions of sdk/ABI.md. The glue of `azuhost build` provides them in __azuhost. A pair of address and
// length is one argument: a string or bytes. The last argument of a getter is true for a result in bytes, and false
// for a string. The result is the value, or a negative error number.

/** An argument that is a pair of address and length in the ABI. */
export type Data = string | Uint8Array;
/** The id of a connection. Ids from 2^53 on are bigints. */
export type ID = number | bigint;

declare const __azuhost: Record<string, unknown>;

/** The names of the functions that the script uses, for the builder: tree shaking removes the others. */
export const used: string[] = [];

function host<F>(name: string): F {
  used.push(name);
  return __azuhost[name] as F;
}

type Call = (...args: (Data | ID)[]) => number;
type Getter = (...args: (Data | ID | boolean)[]) => string | Uint8Array | number;

export const send = /* @__PURE__ */ host<(conn: ID, kind: number, data: Data) => number>("send");
export const broadcast = /* @__PURE__ */ host<(room: Data, kind: number, data: Data, except: ID) => number>("broadcast");
export const broadcastAll = /* @__PURE__ */ host<(kind: number, data: Data, except: ID) => number>("broadcast_all");
export const sendUser = /* @__PURE__ */ host<(user: Data, kind: number, data: Data) => number>("send_user");
export const sendUsers = /* @__PURE__ */ host<(users: Data, kind: number, data: Data) => number>("send_users");
export const close = /* @__PURE__ */ host<(conn: ID, code: number, reason: Data) => number>("close");

export const join = /* @__PURE__ */ host<Call>("join");
export const leave = /* @__PURE__ */ host<Call>("leave");
export const roomSize = /* @__PURE__ */ host<Call>("room_size");
export const roomMembers = /* @__PURE__ */ host<Getter>("room_members");
export const roomUsers = /* @__PURE__ */ host<Getter>("room_users");
export const rooms = /* @__PURE__ */ host<Getter>("rooms");

export const identify = /* @__PURE__ */ host<Call>("identify");
export const user = /* @__PURE__ */ host<Getter>("user");
export const online = /* @__PURE__ */ host<Call>("online");
export const users = /* @__PURE__ */ host<Getter>("users");

export const param = /* @__PURE__ */ host<Getter>("param");
export const query = /* @__PURE__ */ host<Getter>("query");
export const header = /* @__PURE__ */ host<Getter>("header");
export const claims = /* @__PURE__ */ host<Getter>("claims");
export const remoteAddr = /* @__PURE__ */ host<Getter>("remote_addr");
export const subprotocol = /* @__PURE__ */ host<Getter>("subprotocol");

export const valueGet = /* @__PURE__ */ host<Getter>("value_get");
export const valueSet = /* @__PURE__ */ host<Call>("value_set");
export const valueDelete = /* @__PURE__ */ host<Call>("value_delete");

export const storeGet = /* @__PURE__ */ host<Getter>("store_get");
export const storeSet = /* @__PURE__ */ host<(key: Data, data: Data, ttl: ID) => number>("store_set");
export const storeDelete = /* @__PURE__ */ host<Call>("store_delete");
/** Returns the sum, or an array with the error number, since sums may be negative. */
export const storeAdd = /* @__PURE__ */ host<(key: Data, delta: ID, ttl: ID) => ID | [number]>("store_add");

export const timerSet = /* @__PURE__ */ host<(conn: ID, name: Data, after: ID) => number>("timer_set");
export const timerClear = /* @__PURE__ */ host<Call>("timer_clear");

export const log = /* @__PURE__ */ host<(level: number, text: Data) => number>("log");
export const metric = /* @__PURE__ */ host<(op: number, name: Data, labels: Data, value: number) => number>("metric");
export const now = /* @__PURE__ */ host<() => ID>("now");
export const fail = /* @__PURE__ */ host<(text: Data) => number>("fail");

// Functions of the glue. They are not in sdk/ABI.md.
export const utf8Encode = /* @__PURE__ */ host<(text: string) => Uint8Array>("utf8_encode");
export const utf8Decode = /* @__PURE__ */ host<(bytes: Uint8Array) => string>("utf8_decode");
export const random = /* @__PURE__ */ host<(length: number) => Uint8Array>("random");
export const jsonDepth = /* @__PURE__ */ host<(text: string) => number>("json_depth");
export const sourceMap = /* @__PURE__ */ host<() => string>("source_map");
