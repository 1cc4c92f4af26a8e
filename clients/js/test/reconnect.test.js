import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../dist/azuhost.js';
import { fakes, record, flushPromises } from './fake.js';

/** clock mocks timers and Math.random. It returns a function that lets time pass. */
function clock(t, chance = 0.5) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.mock.method(Math, 'random', () => chance);
  return async (ms) => {
    t.mock.timers.tick(ms);
    await flushPromises();
  };
}

async function dial(options = {}, url = 'ws://h/rooms/1') {
  const net = fakes();
  const client = new Client(url, { WebSocket: net.WebSocket, protocol: 'require', ...options });
  const closes = [];
  client.on('close', (e) => closes.push(e));
  const connected = client.connect();
  await flushPromises();
  return { ...net, client, closes, connected };
}

test('the bound of the delay doubles, and is reset by a stable connection', async (t) => {
  const tick = clock(t, 0.999999999);
  const { made, last, closes, client } = await dial({ minDelay: 500, maxDelay: 5000 });
  for (const want of [500, 1000, 2000, 4000, 5000, 5000]) {
    last().drop();
    assert.ok(Math.abs(closes.at(-1).retryIn - want) < 1, `${closes.at(-1).retryIn} for ${want}`);
    const before = made.length;
    await tick(want - 2);
    assert.equal(made.length, before, 'not earlier');
    await tick(2);
    assert.equal(made.length, before + 1);
  }
  last().welcome();
  last().drop();
  assert.ok(closes.at(-1).retryIn > 4999, 'a short connection does not reset it');
  await tick(5000);
  last().welcome();
  await tick(5000);
  last().drop();
  assert.ok(closes.at(-1).retryIn <= 500, 'a stable one does');
  client.close();
});

test('full jitter: delays are uniform between 0 and the bound', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const delays = [];
  for (let i = 0; i < 400; i++) {
    const { last, closes, client } = await dial({ minDelay: 1000 });
    last().drop();
    delays.push(closes[0].retryIn);
    client.close();
  }
  for (const part of [0, 250, 500, 750]) {
    const n = delays.filter((d) => d >= part && d < part + 250).length;
    assert.ok(n > 50 && n < 150, `${n} of 400 in ${part}..${part + 250}`);
  }
});

test('the close code decides whether to reconnect', async (t) => {
  const tick = clock(t);
  for (const [code, again] of [
    [1000, false], [1001, true], [1006, true], [1007, true], [1008, true], [1009, true], [1010, false], [1011, true], [1012, true], [1013, true],
    [3000, false], [3001, true], [3003, false], [3005, false], [4000, false], [4321, false], [4999, false],
  ]) {
    const { last, closes, client, made } = await dial();
    last().welcome();
    last().drop(code, 'why');
    assert.equal(closes[0].retryIn !== undefined, again, String(code));
    assert.deepEqual([closes[0].code, closes[0].reason, closes[0].opened], [code, 'why', true]);
    assert.equal(client.state, again ? 'waiting' : 'closed', String(code));
    await tick(60_000);
    assert.equal(made.length, again ? 2 : 1, String(code));
    client.close();
  }
});

test('a draining host names the delay', async (t) => {
  const tick = clock(t);
  for (const [code, reason, want] of [
    [3001, '{"reconnect_after_ms":1234}', 1234],
    [3001, '{"reconnect_after_ms":0}', 0],
    [1012, 'reconnect in 4321 ms', 4321],
    [3001, '{"reconnect_after_ms":99999999}', 600_000],
    // Invalid: the usual delay, 0.5 of 500.
    [3001, '{"reconnect_after_ms":-1}', 250],
    [3001, '{"reconnect_after_ms":"7"}', 250],
    [3001, 'null', 250],
    [3001, '{', 250],
    [1012, '', 250],
    [1012, 'reconnect in x ms', 250],
    // A limit was reached: the longest delay.
    [1008, 'slow', 15_000],
  ]) {
    const { last, closes, client, made } = await dial();
    last().welcome();
    last().drop(code, reason);
    assert.equal(closes[0].retryIn, want, `${code} ${reason}`);
    await tick(Math.max(0, want - 1));
    assert.equal(made.length, want === 0 ? 2 : 1);
    await tick(1);
    assert.equal(made.length, 2);
    client.close();
  }
});

test('the option reconnect decides', async (t) => {
  clock(t);
  const seen = [];
  const cases = [
    [false, 1006, undefined],
    [(c) => (seen.push(c), false), 1006, undefined],
    [() => true, 4001, 250],
    [() => 77, 1006, 77],
    [() => 77, 3000, 77],
    [() => undefined, 4001, undefined],
    [() => undefined, 1006, 250],
  ];
  for (const [reconnect, code, want] of cases) {
    const { last, closes, client } = await dial({ reconnect });
    last().welcome();
    last().drop(code, 'r');
    assert.equal(closes[0].retryIn, want, `${reconnect} ${code}`);
    client.close();
  }
  assert.deepEqual(seen, [{ code: 1006, reason: 'r', opened: true }]);
});

test('connect resolves with the first open connection, or rejects at the end', async (t) => {
  const tick = clock(t);
  const a = await dial();
  a.last().drop();
  await tick(250);
  assert.equal(a.client.state, 'connecting');
  a.last().welcome();
  await a.connected;
  await a.client.connect(); // resolves at once
  a.client.close();

  const b = await dial();
  b.last().drop(3003, 'never');
  await assert.rejects(b.connected, { name: 'AzuhostError', code: 'CLOSED', message: 'closed with 3003: never' });
  // A second call connects again.
  const again = b.client.connect();
  await flushPromises();
  b.last().welcome();
  await again;
  assert.equal(b.client.send('x'), 'sent');
  b.client.close();
});

test('connect ends a delay', async (t) => {
  clock(t);
  const { last, made, client } = await dial();
  last().drop();
  client.connect();
  await flushPromises();
  assert.equal(made.length, 2);
  client.close();
});

test('the handshake and getToken have a timeout', async (t) => {
  const tick = clock(t);
  const a = await dial({ connectTimeout: 1000 });
  await tick(1000);
  assert.deepEqual([a.closes[0].code, a.closes[0].reason], [1006, 'timeout']);
  assert.ok(a.last().closedWith, 'the WebSocket is closed');
  a.client.close();

  let calls = 0;
  const b = await dial({ connectTimeout: 1000, getToken: () => (calls++, new Promise(() => {})) });
  await tick(1000);
  assert.equal(b.closes[0].reason, 'timeout');
  await tick(250);
  assert.equal(calls, 2, 'a call that hangs is not awaited again');
  b.client.close();
});

test('close leaves no timers', async (t) => {
  const timers = new Set();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (f, ms, ...rest) => {
    const timer = set(() => (timers.delete(timer), f(...rest)), ms);
    timers.add(timer);
    return timer;
  });
  t.mock.method(globalThis, 'clearTimeout', (timer) => (timers.delete(timer), clear(timer)));

  const stages = {
    connecting: () => {},
    open: (s) => s.welcome({ expires_at: Date.now() / 1000 + 600 }),
    plain: (s) => s.accept(),
    waiting: (s) => s.drop(),
    recovering: (s) => s.welcome().position('r', 1, 'a').position('r', 3, 'c'),
    retrying: (s) => {
      s.welcome().position('r', 1, 'a').position('r', 3, 'c');
      s.control({ type: 'error', id: s.requests.at(-1).id, code: 'UNAVAILABLE', message: '' });
    },
  };
  for (const [name, stage] of Object.entries(stages)) {
    const { last, client } = await dial({ protocol: 'auto', getToken: () => 't' });
    stage(last());
    const socket = last();
    assert.ok(timers.size > 0 || name === 'plain', `${name}: timers exist`);
    const closed = client.close(3999, 'bye');
    assert.equal(timers.size, 0, name);
    assert.equal(client.state, 'closed');
    if (name !== 'waiting') {
      assert.deepEqual(socket.closedWith, { code: 3999, reason: 'bye' });
      socket.drop(3999);
    }
    await closed;
    await client.close(); // a second close is allowed
    assert.equal(timers.size, 0, name);
  }
});

test('close works in any listener', async (t) => {
  const tick = clock(t);
  for (const event of ['open', 'state', 'message', 'close', 'joined']) {
    const { last, made, client } = await dial();
    client.on(event, () => client.close());
    client.send('queued');
    last().welcome().control({ type: 'joined', room: 'r', epoch: 'e', offset: 1 }).position('r', 2, 'b').deliver('data');
    last().drop();
    await tick(60_000);
    assert.equal(client.state, 'closed', event);
    assert.ok(made.length <= 2, event);
  }
});

test('a server without azuhost.v1 gets a plain WebSocket, and azuhost.v1 is tried again each time', async (t) => {
  const tick = clock(t);
  const { last, made, client, closes, connected } = await dial({ protocol: 'auto', protocols: ['mine'] });
  assert.deepEqual(last().protocols, ['azuhost.v1', 'mine']);
  last().drop(); // as browsers do without an agreed subprotocol
  await tick(250);
  assert.deepEqual(last().protocols, ['mine']);
  last().accept('mine');
  await flushPromises();
  assert.equal(made.length, 3);
  assert.ok(made[1].closedWith, 'the plain WebSocket is closed');
  assert.deepEqual(last().protocols, ['azuhost.v1', 'mine'], 'it is up: the attempt before may have failed for another reason');
  last().drop();
  await tick(500);
  assert.deepEqual(last().protocols, ['mine']);
  last().accept('mine');
  await connected;
  const got = record(client, 'message');
  last().deliver('\x1e{"type":"welcome"}').deliver('x');
  assert.deepEqual(got.map(([, m]) => m.data), ['\x1e{"type":"welcome"}', 'x'], 'everything is data');
  client.send('\x1ey');
  assert.deepEqual(last().sent, ['\x1ey']);
  await assert.rejects(client.presence('r'), { code: 'NO_PROTOCOL' });
  await assert.rejects(client.watch('r'), { code: 'NO_PROTOCOL' });
  await tick(120_000);
  assert.equal(client.state, 'open', 'no pings without azuhost.v1');

  last().drop();
  await tick(60_000);
  assert.deepEqual(last().protocols, ['azuhost.v1', 'mine']);
  last().welcome();
  // A server that has spoken azuhost.v1 gets it every time.
  for (let i = 0; i < 4; i++) {
    last().drop();
    await tick(60_000);
    assert.deepEqual(last().protocols, ['azuhost.v1', 'mine']);
  }
  assert.ok(made.length === 9 && closes.every((c) => c.retryIn !== undefined));
  client.close();
});

test('a host that was down is not taken for a plain server', async (t) => {
  const tick = clock(t);
  const { last, made, client, connected } = await dial({ protocol: 'auto' });
  last().drop(); // down, for which a browser gives no reason
  await tick(250);
  assert.deepEqual(last().protocols, []);
  last().accept();
  await flushPromises();
  assert.deepEqual(last().protocols, ['azuhost.v1']);
  last().welcome();
  await connected;
  assert.equal(made.length, 3);
  client.close();
});

test('a failure with another reason does not lead to a plain WebSocket', async (t) => {
  const tick = clock(t);
  const reasons = ['connect ECONNREFUSED 127.0.0.1:1', 'Unexpected server response: 503', 'Unexpected server response: 401'];
  const { last, client, closes } = await dial({ protocol: 'auto', getToken: () => 't' });
  for (const reason of reasons) {
    last().drop(1006, '', reason);
    await tick(60_000);
    assert.deepEqual(last().protocols, ['azuhost.v1'], reason);
  }
  last().accept('azuhost.v1').drop(3000, 'old');
  await tick(60_000);
  assert.deepEqual(last().protocols, ['azuhost.v1'], 'a server that agreed speaks it');
  last().drop(1006, '', 'Unexpected server response: 400');
  await tick(60_000);
  assert.deepEqual(last().protocols, []);
  assert.equal(closes.length, 5);
  client.close();

  let n = 0;
  const b = await dial({ protocol: 'auto', getToken: () => (n++ ? 't' : Promise.reject(new Error('none'))) });
  await tick(60_000);
  assert.deepEqual(b.last().protocols, ['azuhost.v1'], 'without a token there was no attempt');
  b.client.close();
});

test('a reconnect that throws or returns an invalid delay is ignored', async (t) => {
  const tick = clock(t);
  const errors = [];
  for (const reconnect of [() => { throw new Error('mine'); }, () => NaN, () => -1]) {
    const { last, client, closes, made } = await dial({ reconnect });
    client.on('error', (e) => errors.push(e.message));
    last().drop();
    assert.equal(closes[0].retryIn, 250);
    await tick(250);
    assert.equal(made.length, 2);
    client.close();
  }
  assert.deepEqual(errors, ['mine']);
  const { last, client, closes, made } = await dial({ reconnect: () => 30 * 24 * 3600 * 1000 });
  last().drop();
  assert.equal(closes[0].retryIn, 2 ** 31 - 1, 'the longest delay of a timer');
  await tick(24 * 3600 * 1000);
  assert.equal(made.length, 1);
  client.close();
});

test('an invalid close code closes without a code', async () => {
  const { last, client } = await dial();
  const socket = last().welcome();
  const close = socket.close;
  socket.close = (...args) => {
    if (args[0] === 999) throw new RangeError('999');
    close.apply(socket, args);
  };
  client.close(999);
  assert.equal(socket.readyState, 2);
  await assert.rejects(client.watch('r'), { code: 'CLOSED' });
});

test('a server that agrees to azuhost.v1 without speaking it is a plain one after a timeout', async (t) => {
  const tick = clock(t);
  const { last, client } = await dial({ protocol: 'auto' });
  const got = record(client, 'message', 'open');
  last().accept('azuhost.v1').deliver('early');
  await tick(2000);
  assert.equal(client.state, 'open');
  assert.deepEqual(got.map(([type, e]) => [type, e.data ?? e.conn]), [['message', 'early'], ['open', '']]);
  // A late welcome counts.
  last().control({ type: 'welcome', conn: 'n.1' });
  client.presence('r').catch(() => {});
  assert.equal(last().requests.at(-1).type, 'presence');
  client.close();
});

test('the protocols require and off', async (t) => {
  const tick = clock(t);
  const a = await dial({ protocol: 'require', protocols: ['mine'] });
  a.last().accept('mine');
  assert.equal(a.client.state, 'waiting');
  assert.equal(a.closes[0].reason, 'the server does not speak azuhost.v1');
  await tick(250);
  a.last().accept('azuhost.v1');
  await tick(15_000);
  assert.equal(a.closes[1].reason, 'timeout');
  a.client.close();

  const b = await dial({ protocol: 'off' });
  assert.deepEqual(b.last().protocols, []);
  b.last().accept();
  assert.equal(b.client.state, 'open');
  b.client.close();
});

test('URLs', async () => {
  for (const [url, want] of [
    ['ws://h/a', 'ws://h/a'],
    ['wss://h:1/a?b=c#d', 'wss://h:1/a?b=c'],
    ['http://h/a', 'ws://h/a'],
    ['https://h/a', 'wss://h/a'],
    [new URL('https://h/a'), 'wss://h/a'],
  ]) {
    const { last, client } = await dial({}, url);
    assert.equal(last().url.href, want);
    client.close();
  }
  assert.throws(() => new Client('nonsense', { WebSocket: fakes().WebSocket }), TypeError);
});

test('a WebSocket constructor that throws closes the client', async () => {
  class Refusing {
    constructor() {
      throw new SyntaxError('bad');
    }
  }
  const client = new Client('ws://h/', { WebSocket: Refusing });
  const events = record(client, 'error', 'close', 'state');
  await assert.rejects(client.connect(), { code: 'CLOSED' });
  assert.deepEqual(events.map(([type, e]) => [type, e.message ?? e.code ?? e]), [['state', 'connecting'], ['error', 'bad'], ['state', 'closed'], ['close', 1006]]);
});

test('a listener that throws does not stop the others, and its error is reported', async (t) => {
  clock(t);
  const { last, client } = await dial();
  const later = [];
  t.mock.method(globalThis, 'queueMicrotask', (f) => later.push(f));
  const got = [];
  client.on('message', () => {
    throw new Error('mine');
  });
  client.once('message', (m) => got.push('once ' + m.data));
  const off = client.on('message', (m) => got.push(m.data));
  last().welcome().deliver('a').deliver('b');
  off();
  last().deliver('c');
  assert.deepEqual(got, ['once a', 'a', 'b']);
  assert.equal(later.length, 3);
  assert.throws(later[0], /mine/);
  client.close();
});
