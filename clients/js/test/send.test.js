import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../dist/azuhost.js';
import { fakes, record, settle } from './fake.js';

async function dial(options = {}) {
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', ...options });
  return { ...net, client };
}

test('what is sent before the connection waits for it, in order', async () => {
  const { client, last } = await dial();
  const bytes = new Uint8Array([1, 2]);
  assert.equal(client.send('a'), 'queued');
  client.connect();
  assert.equal(client.send(bytes), 'queued');
  await settle();
  client.on('open', () => client.send('first'));
  last().accept('azuhost.v1');
  assert.equal(client.send('c'), 'queued', 'before welcome, too');
  last().welcome();
  assert.equal(client.send('d'), 'sent');
  assert.deepEqual(last().sent, ['first', 'a', bytes, 'c', 'd']);
  client.close();
});

test('text that looks like a control message is data, both ways', async () => {
  const { client, last } = await dial();
  const got = record(client, 'message');
  client.connect();
  await settle();
  client.send('\x1e{"type":"ping"}');
  last().welcome();
  client.send('\x1e');
  client.send('x\x1e');
  assert.deepEqual(last().sent, ['\x1e\x1e{"type":"ping"}', '\x1e\x1e', 'x\x1e']);
  last().say('\x1e\x1e{"type":"left"}').say('\x1e\x1e').say('x\x1e').say('');
  assert.deepEqual(got.map(([, m]) => m.data), ['\x1e{"type":"left"}', '\x1e', 'x\x1e', '']);
  // What is no JSON, and what is not known, is ignored.
  last().say('\x1e').say('\x1e{').say('\x1enull').say('\x1e1').say('\x1e{"type":"new"}').control({ type: 'pong', id: 99 }).say('y');
  assert.equal(got.length, 5);
  client.close();
});

test('a full queue throws', async () => {
  for (const queue of [{ messages: 2 }, { bytes: 4 }]) {
    const { client, last } = await dial({ queue });
    const drops = record(client, 'drop');
    client.send('aa');
    client.send('bb');
    assert.throws(() => client.send('c'), { name: 'AzuhostError', code: 'QUEUE_FULL' });
    client.connect();
    await settle();
    last().welcome();
    assert.deepEqual(last().sent, ['aa', 'bb']);
    assert.equal(drops.length, 0);
    client.close();
  }
  const { client } = await dial({ queue: { messages: 0 } });
  assert.throws(() => client.send('a'), { code: 'QUEUE_FULL' });
});

test('a full queue drops the oldest, or the newest, and says which', async () => {
  for (const [full, sent, dropped] of [
    ['drop-oldest', ['bb', 'cc'], ['aa', 'toolarge']],
    ['drop-newest', ['aa', 'bb'], ['cc', 'toolarge']],
  ]) {
    const { client, last } = await dial({ queue: { bytes: 4, full } });
    const drops = record(client, 'drop');
    const results = ['aa', 'bb', 'cc'].map((d) => client.send(d));
    assert.equal(results[2], full === 'drop-oldest' ? 'queued' : 'dropped');
    client.connect();
    await settle();
    last().welcome();
    assert.deepEqual(last().sent, sent);
    last().drop();
    assert.equal(client.send('toolarge'), 'dropped', 'it never fits');
    assert.deepEqual(drops.map(([, e]) => e.data), dropped);
    client.close();
  }
});

test('a connection that does not take what is sent is no endless queue', async () => {
  const { client, last } = await dial({ queue: { bytes: 4 } });
  client.connect();
  await settle();
  last().welcome();
  assert.equal(client.send('larger than the queue'), 'sent');
  last().bufferedAmount = 3;
  assert.equal(client.send('a'), 'sent');
  assert.throws(() => client.send('ab'), { code: 'QUEUE_FULL' });
  client.close();

  const b = await dial({ queue: { bytes: 4, full: 'drop-oldest' } });
  const drops = record(b.client, 'drop');
  b.client.connect();
  await settle();
  b.last().welcome().bufferedAmount = 4;
  assert.equal(b.client.send('x'), 'dropped');
  assert.deepEqual(drops, [['drop', { data: 'x' }]]);
  b.client.close();
});

test('a closed client takes nothing, and says what it still had', async () => {
  const { client } = await dial();
  const drops = record(client, 'drop');
  client.send('a');
  client.connect();
  client.close();
  assert.deepEqual(drops, [['drop', { data: 'a' }]]);
  assert.throws(() => client.send('b'), { code: 'CLOSED' });
});

test('for await', async () => {
  const { client, last } = await dial();
  client.connect();
  await settle();
  last().welcome().say('before');
  const got = [];
  const loop = (async () => {
    for await (const { data } of client) {
      got.push(data);
      if (data === 'c') break;
    }
  })();
  const all = [];
  const other = (async () => {
    for await (const { data } of client.messages()) all.push(data);
  })();
  last().say('a').say('b');
  await settle();
  last().say('c').say('d');
  await loop;
  client.close();
  await other;
  assert.deepEqual(got, ['a', 'b', 'c']);
  assert.deepEqual(all, ['a', 'b', 'c', 'd']);
});

test('a loop that is too far behind is told, after what it had', async () => {
  const { client, last } = await dial();
  client.connect();
  await settle();
  last().welcome();
  const it = client.messages(2);
  last().say('a').say('b').say('c');
  assert.equal((await it.next()).value.data, 'a');
  assert.equal((await it.next()).value.data, 'b');
  await assert.rejects(it.next(), { code: 'QUEUE_FULL' });
  assert.equal((await it.next()).done, true);
  const waiting = client.messages();
  const next = waiting.next();
  await waiting.return();
  assert.equal((await next).done, true);
  client.close();
});

test('what is sent while the host closes waits for the next connection', async () => {
  const { client, last } = await dial({ minDelay: 0 });
  client.connect();
  await settle();
  const socket = last().welcome();
  socket.readyState = 2; // its close frame is here, its end is not
  assert.equal(client.send('a'), 'queued');
  socket.drop(3001);
  await new Promise((f) => client.once('state', f));
  await settle();
  last().welcome();
  assert.deepEqual(last().sent, ['a']);
  client.close();
});

test('a buffer that waits may be used again', async () => {
  const { client, last } = await dial();
  const bytes = new Uint8Array([1, 1, 1]);
  const part = bytes.subarray(1);
  for (const data of [bytes, part, bytes.buffer, new DataView(bytes.buffer, 0, 1)]) client.send(data);
  bytes.fill(2);
  client.connect();
  await settle();
  last().welcome();
  assert.deepEqual(last().sent.map((d) => [...new Uint8Array(d)]), [[1, 1, 1], [1, 1], [1, 1, 1], [1]]);
  client.close();
});
