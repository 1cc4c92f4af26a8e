import { log } from "./log";
import * as raw from "./raw";

// What JavaScript runtimes have beside the language, as far as it makes sense
// between an event and its end.

class Encoder {
  readonly encoding = "utf-8";
  encode(text = ""): Uint8Array {
    return raw.utf8Encode(String(text));
  }
}

class Decoder {
  readonly encoding = "utf-8";
  constructor(label = "utf-8") {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`TextDecoder knows utf-8, and not ${label}`);
  }
  decode(bytes?: ArrayBuffer | ArrayBufferView): string {
    if (bytes === undefined) return "";
    if (bytes instanceof ArrayBuffer) return raw.utf8Decode(new Uint8Array(bytes));
    return raw.utf8Decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}

const crypto = {
  getRandomValues<T extends ArrayBufferView>(array: T): T {
    if (array.byteLength > 65536) throw new RangeError("getRandomValues gives at most 65536 bytes");
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(raw.random(array.byteLength));
    return array;
  },
  randomUUID(): string {
    const b = raw.random(16);
    b[6] = (b[6]! & 0x0f) | 0x40;
    b[8] = (b[8]! & 0x3f) | 0x80;
    const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
};

/** A global that runtimes have and channels can not. */
function missing(name: string, instead: string): () => never {
  return () => {
    throw new Error(`there is no ${name} in a channel: ${instead}`);
  };
}

/** How deep JSON may nest: the engine's parser would go down with it beyond what the host allows, and a trap is no exception. */
const maxDepth = 200;

const parseJSON = JSON.parse;

function parse(text: unknown, reviver?: (this: unknown, key: string, value: unknown) => unknown): unknown {
  const json = String(text);
  if (json.length > maxDepth && raw.jsonDepth(json) > maxDepth) throw new RangeError(`JSON nests deeper than ${maxDepth}`);
  return reviver ? parseJSON(json, reviver) : parseJSON(json);
}

/** @internal */
export function install(): void {
  JSON.parse = parse;
  const later = "code runs in hooks only; use setTimer and onTimer";
  Object.assign(globalThis, {
    console: {
      log: log.info, info: log.info, dir: log.info, table: log.info, debug: log.debug, trace: log.debug, warn: log.warn, error: log.error,
      assert: (ok: unknown, ...values: unknown[]) => ok || log.error("Assertion failed:", ...values),
    },
    TextEncoder: Encoder,
    TextDecoder: Decoder,
    crypto,
    setTimeout: missing("setTimeout", later),
    setInterval: missing("setInterval", later),
    fetch: missing("fetch", "plugins have no network; have your backend publish to the channel"),
  });
}
