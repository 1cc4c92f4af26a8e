import { log } from "./log";
import * as raw from "./raw";

// The globals that JavaScript runtimes have beside the language. Those that need work after the end of a hook throw.

class Encoder {
  readonly encoding = "utf-8";
  encode(text = ""): Uint8Array {
    return raw.utf8Encode(String(text));
  }
}

class Decoder {
  readonly encoding = "utf-8";
  constructor(label = "utf-8") {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`TextDecoder supports utf-8 only, not ${label}`);
  }
  decode(bytes?: ArrayBuffer | ArrayBufferView): string {
    if (bytes === undefined) return "";
    if (bytes instanceof ArrayBuffer) return raw.utf8Decode(new Uint8Array(bytes));
    return raw.utf8Decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}

const crypto = {
  getRandomValues<T extends ArrayBufferView>(array: T): T {
    if (array.byteLength > 65536) throw new RangeError("getRandomValues fills at most 65536 bytes");
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

/** Returns a function that throws: a channel cannot have this global. */
function missing(name: string, instead: string): () => never {
  return () => {
    throw new Error(`there is no ${name} in a channel: ${instead}`);
  };
}

/**
 * The deepest nesting of JSON. The parser of the engine is recursive: deeper JSON would exceed the limit of nested
 * calls of the host, which is a trap and not an exception.
 */
const maxDepth = 200;

const parseJSON = JSON.parse;

function parse(text: unknown, reviver?: (this: unknown, key: string, value: unknown) => unknown): unknown {
  const json = String(text);
  if (json.length > maxDepth && raw.jsonDepth(json) > maxDepth) {
    throw new RangeError(`JSON nests deeper than ${maxDepth}`);
  }
  return reviver ? parseJSON(json, reviver) : parseJSON(json);
}

/** @internal Sets the globals. */
export function install(): void {
  JSON.parse = parse;
  const later = "code runs in hooks only; use setTimer and onTimer";
  Object.assign(globalThis, {
    console: {
      log: log.info, info: log.info, dir: log.info, table: log.info,
      debug: log.debug, trace: log.debug, warn: log.warn, error: log.error,
      assert: (ok: unknown, ...values: unknown[]) => ok || log.error("Assertion failed:", ...values),
    },
    TextEncoder: Encoder,
    TextDecoder: Decoder,
    crypto,
    setTimeout: missing("setTimeout", later),
    setInterval: missing("setInterval", later),
    fetch: missing("fetch", "plugins have no network; let your backend publish to the channel"),
  });
}
