import type { Settings } from './options.js';

/** Heartbeat finds connections that are dead and do not know it. */
export class Heartbeat {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heard = false;
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

  /** Something came: the connection lives. */
  heard(): void {
    this.#heard = true;
  }

  /** Pings now. An answer, or anything else, has to come in time. */
  probe(): void {
    this.stop();
    this.#heard = false;
    this.#timer = setTimeout(() => (this.#heard ? this.start() : this.#dead()), this.#o.pingTimeout);
    this.#ping();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#heard = false;
    this.#timer = setTimeout(() => (this.#heard ? this.#wait() : this.probe()), this.#o.pingInterval);
  }
}
