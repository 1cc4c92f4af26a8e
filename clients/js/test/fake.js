// A WebSocket class whose server is the test.
import { setImmediate as immediate } from 'node:timers/promises';

/** MARK is the first character of a control message. */
export const MARK = '\x1e';

/** fakes returns a WebSocket class, and the list of its instances. */
export function fakes(onConnect = () => {}) {
  const made = [];
  class FakeSocket {
    readyState = 0;
    protocol = '';
    bufferedAmount = 0;
    sent = [];
    closedWith = null;

    constructor(url, protocols = []) {
      this.url = new URL(url);
      this.protocols = protocols;
      made.push(this);
      onConnect(this);
    }

    send(data) {
      if (this.readyState !== 1) throw new Error('not open');
      this.sent.push(data);
      this.onsend?.(data);
    }

    close(code, reason) {
      this.closedWith = { code, reason };
      if (this.readyState < 2) this.readyState = 2;
    }

    // ---- Actions of the server.

    accept(protocol = '') {
      this.readyState = 1;
      this.protocol = protocol;
      this.onopen?.({});
      return this;
    }

    welcome(members = {}) {
      this.accept('azuhost.v1');
      return this.control({ type: 'welcome', conn: 'n.' + made.length, ...members });
    }

    deliver(data) {
      if (this.readyState === 1) this.onmessage?.({ data });
      return this;
    }

    control(message) {
      return this.deliver(MARK + JSON.stringify(message));
    }

    position(room, offset, data, epoch = 'e') {
      this.control({ type: 'position', room, epoch, offset, ...(data === undefined ? { skip: true } : {}) });
      return data === undefined ? this : this.deliver(data);
    }

    drop(code = 1006, reason = '', message) {
      this.readyState = 3;
      if (message !== undefined) this.onerror?.({ message });
      this.onclose?.({ code, reason });
    }

    /** The control messages that the client has sent. */
    get requests() {
      return this.sent.filter((d) => d[0] === MARK && d[1] !== MARK).map((d) => JSON.parse(d.slice(1)));
    }

    /** The data messages that the client has sent. */
    get data() {
      return this.sent.filter((d) => !(d[0] === MARK && d[1] !== MARK));
    }
  }
  return { WebSocket: FakeSocket, made, last: () => made.at(-1) };
}

/** record returns a list that gets the events of a client, as [type, event]. */
export function record(client, ...types) {
  const events = [];
  for (const type of types) client.on(type, (e) => events.push([type, e]));
  return events;
}

/** flushPromises waits until the callbacks of settled promises have run. */
export async function flushPromises() {
  for (let i = 0; i < 3; i++) await immediate();
}
