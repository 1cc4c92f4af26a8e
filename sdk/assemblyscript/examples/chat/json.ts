// The part of JSON that the messages of a chat need.

export enum Kind {
  Null,
  String,
  Object,
  /** Anything else: an array, a number, true, false. */
  Other,
}

/** A parsed value. */
export class Value {
  constructor(public kind: Kind, public text: string = "", public members: Map<string, Value> | null = null) {}

  /** Returns a member of an object: the last one, if several have the name; NULL if there is none. */
  get(name: string): Value {
    const m = this.members;
    return m && m.has(name) ? m.get(name) : NULL;
  }
}

const NULL = new Value(Kind.Null);
const OTHER = new Value(Kind.Other);

/** The deepest nesting of arrays and objects. */
const MAX_DEPTH = 64;

/** Parses a text that consists of one value. Returns null for other texts. */
export function parse(text: string): Value | null {
  const p = new Parser(text);
  const v = p.value(0);
  p.space();
  return p.failed || p.at != text.length ? null : v;
}

class Parser {
  at: i32 = 0;
  failed: bool = false;

  constructor(private text: string) {}

  private peek(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1;
  }

  space(): void {
    let c = this.peek();
    while (c == 0x20 || c == 0x09 || c == 0x0a || c == 0x0d) {
      this.at++;
      c = this.peek();
    }
  }

  /** Skips white space, and then the character if it is next. Returns whether it was. */
  private take(c: i32): bool {
    this.space();
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  private fail(): Value {
    this.failed = true;
    return NULL;
  }

  value(depth: i32): Value {
    this.space();
    const c = this.peek();
    if (c == 0x22) return new Value(Kind.String, this.string());
    if (c == 0x7b && depth < MAX_DEPTH) return this.object(depth);
    if (c == 0x5b && depth < MAX_DEPTH) return this.array(depth);
    if (c == 0x2d || isDigit(c)) return this.number();
    if (this.word("null")) return NULL;
    return this.word("true") || this.word("false") ? OTHER : this.fail();
  }

  private word(word: string): bool {
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  private object(depth: i32): Value {
    this.at++;
    const members = new Map<string, Value>();
    const v = new Value(Kind.Object, "", members);
    if (this.take(0x7d)) return v;
    do {
      this.space();
      const name = this.string();
      if (this.failed || !this.take(0x3a)) return this.fail();
      members.set(name, this.value(depth + 1));
      if (this.failed) return NULL;
      if (this.take(0x7d)) return v;
    } while (this.take(0x2c));
    return this.fail();
  }

  private array(depth: i32): Value {
    this.at++;
    if (this.take(0x5d)) return OTHER;
    do {
      this.value(depth + 1);
      if (this.failed) return NULL;
      if (this.take(0x5d)) return OTHER;
    } while (this.take(0x2c));
    return this.fail();
  }

  private digits(): void {
    if (!isDigit(this.peek())) this.failed = true;
    while (isDigit(this.peek())) this.at++;
  }

  private number(): Value {
    if (this.peek() == 0x2d) this.at++;
    if (this.peek() == 0x30) this.at++;
    else this.digits();
    if (this.peek() == 0x2e) {
      this.at++;
      this.digits();
    }
    if ((this.peek() | 0x20) == 0x65) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      this.digits();
    }
    return OTHER;
  }

  private string(): string {
    if (this.peek() != 0x22) {
      this.failed = true;
      return "";
    }
    let out = "", start = ++this.at;
    while (true) {
      const c = this.peek();
      if (c < 0x20) {
        this.failed = true;
        return "";
      }
      if (c == 0x22 || c == 0x5c) {
        out += this.text.slice(start, this.at++);
        if (c == 0x22) return out;
        out += this.escape();
        if (this.failed) return "";
        start = this.at;
      } else {
        this.at++;
      }
    }
  }

  private escape(): string {
    const c = this.peek();
    this.at++;
    switch (c) {
      case 0x22: case 0x2f: case 0x5c: return String.fromCharCode(c);
      case 0x62: return "\b";
      case 0x66: return "\f";
      case 0x6e: return "\n";
      case 0x72: return "\r";
      case 0x74: return "\t";
      case 0x75: return this.unit();
    }
    this.failed = true;
    return "";
  }

  private unit(): string {
    let n = 0;
    for (let i = 0; i < 4; i++) {
      const c = this.peek(), low = c | 0x20;
      if (!isDigit(c) && (low < 0x61 || low > 0x66)) {
        this.failed = true;
        return "";
      }
      n = n * 16 + (isDigit(c) ? c - 0x30 : low - 0x57);
      this.at++;
    }
    return String.fromCharCode(n);
  }
}

function isDigit(c: i32): bool {
  return c >= 0x30 && c <= 0x39;
}

/** A JSON object under construction. */
export class Reply {
  private out: string;

  constructor(type: string) {
    this.out = '{"type":' + quote(type);
  }

  raw(name: string, value: string): Reply {
    this.out += "," + quote(name) + ":" + value;
    return this;
  }

  str(name: string, value: string): Reply {
    return this.raw(name, quote(value));
  }

  list(name: string, values: string[]): Reply {
    return this.raw(name, "[" + values.map<string>((v) => quote(v)).join(",") + "]");
  }

  toString(): string {
    return this.out + "}";
  }
}

const HEX = "0123456789abcdef";

/** Returns the four hexadecimal digits of a UTF-16 unit. */
function hex(c: i32): string {
  return HEX.charAt(c >> 12) + HEX.charAt((c >> 8) & 15) + HEX.charAt((c >> 4) & 15) + HEX.charAt(c & 15);
}

function quote(text: string): string {
  let out = '"', start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c && c != 0x2028 && c != 0x2029) continue;
    out += text.slice(start, i);
    start = i + 1;
    if (c == 0x22 || c == 0x5c) out += "\\" + String.fromCharCode(c);
    else out += "\\u" + hex(c);
  }
  return out + text.slice(start) + '"';
}
