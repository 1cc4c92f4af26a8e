// The globals of a channel beside those of the language. globals.ts implements them.

type ConsoleMethod = "log" | "info" | "dir" | "table" | "debug" | "trace" | "warn" | "error";

declare const console: Record<ConsoleMethod, (...values: unknown[]) => void> & {
  assert(ok: unknown, ...values: unknown[]): void;
};

declare function atob(text: string): string;
declare function btoa(text: string): string;
declare function queueMicrotask(job: () => void): void;
declare const performance: { now(): number };

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label?: string);
  readonly encoding: string;
  decode(bytes?: ArrayBuffer | ArrayBufferView): string;
}

declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): string;
};
