import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../dist/azuhost.js';
import { fakes, record, flushPromises } from './fake.js';

async function dial(options = {}) {
  const net = fakes();
  const client = new Client('ws://h/', { WebSocket: net.WebSocket, protocol: 'require', ...options });
  return { ...net, client };
}

test('messages wait for the connection, in order', async () => {
  const { client, last } = await dial();
  const bytes = new Uint8Array([1, 2]);
  assert.equal(client.send('a'), 'queued');
  client.connect();
  assert.equal(client.send(bytes), 'queued');
  await flushPromises();
  client.on('open', () => client.send('first'));
  last().accept('azuhost.v1');
  assert.equal(client.send('c'), 'queued', 'before welcome, too');
  last().welcome();
  assert.equal(client.send('d'), 'sent');
  assert.deepEqual(last().sent, ['first', 'a', bytes, 'c', 'd']);
  client.close();
});

test('data that looks like a control message is escaped, in both directions', async () => {
  const { client, last } = await dial();
  const got = record(client, 'message');
  client.connect();
  await flushPromises();
  client.send('\x1e{"type":"ping"}');
  last().welcome();
  client.send('\x1e');
  client.send('x\x1e');
  assert.deepEqual(last().sent, ['\x1e\x1e{"type":"ping"}', '\x1e\x1e', 'x\x1e']);
  last().deliver('\x1e\x1e{"type":"left"}').deliver('\x1e\x1e').deliver('x\x1e').deliver('');
  assert.deepEqual(got.map(([, m]) => m.data), ['\x1e{"type":"left"}', '\x1e', 'x\x1e', '']);
  // Invalid and unknown control messages are ignored.
  last().deliver('\x1e').deliver('\x1e{').deliver('\x1enull').deliver('\x1e1').deliver('\x1e{"type":"new"}').control({ type: 'pong', id: 99 }).deliver('y');
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
    await flushPromises();
    last().welcome();
    assert.deepEqual(last().sent, ['aa', 'bb']);
    assert.equal(drops.length, 0);
    client.close();
  }
  const { client } = await dial({ queue: { messages: 0 } });
  assert.throws(() => client.send('a'), { code: 'QUEUE_FULL' });
});

test('a full queue drops the oldest or the newest message, and emits it', async () => {
  for (const [full, sent, dropped] of [
    ['drop-oldest', ['bb', 'cc'], ['aa', 'toolarge']],
    ['drop-newest', ['aa', 'bb'], ['cc', 'toolarge']],
  ]) {
    const { client, last } = await dial({ queue: { bytes: 4, full } });
    const drops = record(client, 'drop');
    const results = ['aa', 'bb', 'cc'].map((d) => client.send(d));
    assert.equal(results[2], full === 'drop-oldest' ? 'queued' : 'dropped');
    client.connect();
    await flushPromises();
    last().welcome();
    assert.deepEqual(last().sent, sent);
    last().drop();
    assert.equal(client.send('toolarge'), 'dropped', 'larger than the queue');
    assert.deepEqual(drops.map(([, e]) => e.data), dropped);
    client.close();
  }
});

test('the unsent data of a slow connection is bounded', async () => {
  const { client, last } = await dial({ queue: { bytes: 4 } });
  client.connect();
  await flushPromises();
  last().welcome();
  assert.equal(client.send('larger than the queue'), 'sent');
  last().bufferedAmount = 3;
  assert.equal(client.send('a'), 'sent');
  assert.throws(() => client.send('ab'), { code: 'QUEUE_FULL' });
  client.close();

  const b = await dial({ queue: { bytes: 4, full: 'drop-oldest' } });
  const drops = record(b.client, 'drop');
  b.client.connect();
  await flushPromises();
  b.last().welcome().bufferedAmount = 4;
  assert.equal(b.client.send('x'), 'dropped');
  assert.deepEqual(drops, [['drop', { data: 'x' }]]);
  b.client.close();
});

test('a closed client throws, and emits its queue', async () => {
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
  await flushPromises();
  last().welcome().deliver('before');
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
  last().deliver('a').deliver('b');
  await flushPromises();
  last().deliver('c').deliver('d');
  await loop;
  client.close();
  await other;
  assert.deepEqual(got, ['a', 'b', 'c']);
  assert.deepEqual(all, ['a', 'b', 'c', 'd']);
});

test('a loop that is too far behind throws after its queued messages', async () => {
  const { client, last } = await dial();
  client.connect();
  await flushPromises();
  last().welcome();
  const it = client.messages(2);
  last().deliver('a').deliver('b').deliver('c');
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

test('messages during the closing handshake wait for the next connection', async () => {
  const { client, last } = await dial({ minDelay: 0 });
  client.connect();
  await flushPromises();
  const socket = last().welcome();
  socket.readyState = 2; // the close frame was received, the close event not yet
  assert.equal(client.send('a'), 'queued');
  socket.drop(3001);
  await new Promise((f) => client.once('state', f));
  await flushPromises();
  last().welcome();
  assert.deepEqual(last().sent, ['a']);
  client.close();
});

test('a buffer may be reused while its message is queued', async () => {
  const { client, last } = await dial();
  const bytes = new Uint8Array([1, 1, 1]);
  const part = bytes.subarray(1);
  for (const data of [bytes, part, bytes.buffer, new DataView(bytes.buffer, 0, 1)]) client.send(data);
  bytes.fill(2);
  client.connect();
  await flushPromises();
  last().welcome();
  assert.deepEqual(last().sent.map((d) => [...new Uint8Array(d)]), [[1, 1, 1], [1, 1], [1, 1, 1], [1]]);
  client.close();
});
