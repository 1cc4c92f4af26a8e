import type { Settings } from './options.js';

/** Heartbeat detects dead connections. */
export class Heartbeat {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #alive = false; // something was received since the timer was set
  #o: Settings;
  #ping: () => void;
  #dead: () => void;

  constructor(o: Settings, ping: () => void, dead: () => void) {
    this.#o = o;
    this.#ping = ping;
    this.#dead = dead;
  }

  start(): void {
    if (this.#o.pingInterval > 0) {
      this.#wait();
    }
  }

  /** Records that something was received. */
  alive(): void {
    this.#alive = true;
  }

  /** Pings now. Something has to be received within pingTimeout. */
  probe(): void {
    this.stop();
    this.#alive = false;
    this.#timer = setTimeout(() => (this.#alive ? this.start() : this.#dead()), this.#o.pingTimeout);
    this.#ping();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#alive = false;
    this.#timer = setTimeout(() => (this.#alive ? this.#wait() : this.probe()), this.#o.pingInterval);
  }
}
