import { AzuhostError } from './error.js';
import type { Data, Settings } from './options.js';

/** Copies data, since the sender may go on using a buffer, as with a WebSocket. */
function copy(data: Data): Data {
  if (typeof data === 'string') {
    return data;
  }
  return data instanceof ArrayBuffer ? data.slice(0) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

export const sizeOf = (data: Data): number => (typeof data === 'string' ? data.length : data.byteLength);

/** Queue holds messages until there is a connection. */
export class Queue {
  #items: Data[] = [];
  #bytes = 0;
  #max: Settings['queue'];
  #dropped: (data: Data) => void;

  constructor(max: Settings['queue'], dropped: (data: Data) => void) {
    this.#max = max;
    this.#dropped = dropped;
  }

  /** Queues a message. Returns false if the message was dropped. */
  push(data: Data): boolean {
    const size = sizeOf(data);
    const full = () => this.#items.length >= this.#max.messages || this.#bytes + size > this.#max.bytes;
    while (full() && this.#max.full === 'drop-oldest' && this.#items.length) {
      this.#dropped(this.shift()!);
    }
    if (full()) {
      return this.refuse(data);
    }
    this.#items.push(copy(data));
    this.#bytes += size;
    return true;
  }

  /** Drops a message for which there is no space, or throws. */
  refuse(data: Data): false {
    if (this.#max.full === 'throw') {
      throw new AzuhostError('QUEUE_FULL', 'too much waits to be sent');
    }
    this.#dropped(data);
    return false;
  }

  shift(): Data | undefined {
    const data = this.#items.shift();
    if (data !== undefined) {
      this.#bytes -= sizeOf(data);
    }
    return data;
  }

  /** Drops all messages. */
  drop(): void {
    for (let data; (data = this.shift()) !== undefined; ) {
      this.#dropped(data);
    }
  }
}
