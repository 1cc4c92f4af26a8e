import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../dist/azuhost.js';
import { fakes, record, flushPromises } from './fake.js';

async function dial(t, options = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.mock.method(Math, 'random', () => 0.5);
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', pingInterval: 1000, pingTimeout: 300, ...options });
  const closes = record(client, 'close');
  client.connect();
  await flushPromises();
  const tick = async (ms) => {
    t.mock.timers.tick(ms);
    await flushPromises();
  };
  const pings = () => net.last().requests.filter((m) => m.type === 'ping');
  return { ...net, client, closes, tick, pings };
}

test('an idle connection is pinged, and given up without an answer', async (t) => {
  const { last, made, client, closes, tick, pings } = await dial(t);
  last().welcome();
  await tick(1000);
  assert.equal(pings().length, 1);
  last().control({ type: 'pong', id: pings()[0].id });
  await tick(300);
  assert.equal(client.state, 'open');
  await tick(1000);
  assert.equal(pings().length, 2);
  last().deliver('any input is an answer');
  await tick(300);
  await tick(1000);
  assert.equal(pings().length, 3);
  const dead = last();
  await tick(300);
  assert.deepEqual(closes.map(([, c]) => [c.code, c.reason]), [[1006, 'no answer to a ping']]);
  assert.ok(dead.closedWith);
  dead.drop(1006); // the late close event is ignored
  await tick(250);
  assert.equal(made.length, 2);
  assert.equal(closes.length, 1);
  client.close();
});

test('a busy connection is not pinged', async (t) => {
  const { last, client, tick, pings } = await dial(t);
  last().welcome();
  for (let i = 0; i < 10; i++) {
    await tick(900);
    last().deliver('x');
  }
  assert.equal(pings().length, 0);
  client.close();
});

test('pings can be turned off', async (t) => {
  const { last, client, tick, pings } = await dial(t, { pingInterval: 0 });
  last().welcome();
  await tick(1e6);
  assert.equal(pings().length, 0);
  client.close();
});

/** page sets the globals of a browser that the client uses. */
function page(t) {
  const target = new EventTarget();
  const set = (name, value) => {
    const was = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    t.after(() => (was ? Object.defineProperty(globalThis, name, was) : delete globalThis[name]));
  };
  const counts = { listeners: 0 };
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  for (const x of [target, document]) {
    const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
    x.addEventListener = (...args) => (counts.listeners++, add.apply(x, args));
    x.removeEventListener = (...args) => (counts.listeners--, remove.apply(x, args));
  }
  const navigator = { onLine: true };
  set('document', document);
  set('navigator', navigator);
  set('addEventListener', target.addEventListener);
  set('removeEventListener', target.removeEventListener);
  return {
    counts,
    online: (on) => ((navigator.onLine = on), target.dispatchEvent(new Event(on ? 'online' : 'offline'))),
    show: (on) => ((document.visibilityState = on ? 'visible' : 'hidden'), document.dispatchEvent(new Event('visibilitychange'))),
  };
}

test('a page that is online or visible again connects at once', async (t) => {
  const browser = page(t);
  const { last, made, client, tick, closes } = await dial(t, { maxDelay: 30_000 });
  last().welcome();
  browser.online(false);
  last().drop();
  assert.equal(closes[0][1].retryIn, 30_000, 'offline: the longest delay');
  await tick(10_000);
  assert.equal(made.length, 1);
  browser.online(true);
  await tick(250);
  assert.equal(made.length, 2);

  for (let i = 0; i < 8; i++) {
    last().drop();
    if (i < 7) await tick(30_000);
  }
  const before = made.length;
  browser.show(false);
  await tick(1000);
  assert.equal(made.length, before);
  browser.show(true);
  await tick(250);
  assert.equal(made.length, before + 1);
  client.close();
  assert.equal(browser.counts.listeners, 0, 'no listener remains');
});

test('a delay that the host has set is kept', async (t) => {
  const browser = page(t);
  const { last, made, client, tick } = await dial(t);
  last().welcome();
  last().drop(3001, '{"reconnect_after_ms":5000}');
  browser.show(true);
  browser.online(true);
  await tick(4999);
  assert.equal(made.length, 1);
  await tick(1);
  assert.equal(made.length, 2);
  client.close();
});

test('a page that is visible or offline pings', async (t) => {
  const browser = page(t);
  const { last, client, tick, pings } = await dial(t);
  last().welcome();
  browser.show(false);
  assert.equal(pings().length, 0);
  browser.show(true);
  assert.equal(pings().length, 1);
  last().control({ type: 'pong', id: pings()[0].id });
  await tick(300);
  assert.equal(client.state, 'open');
  browser.online(false);
  assert.equal(pings().length, 2);
  await tick(300);
  assert.equal(client.state, 'waiting');
  client.close();
});
