// Tests over real sockets, with the WebSocket classes of Node.js.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket as ws, WebSocketServer } from 'ws';
import { Client } from '../dist/azuhost.js';

const classes = { ws };
if (globalThis.WebSocket) classes.global = globalThis.WebSocket;

/** serve starts a server until the end of the test. It returns its URL. */
async function serve(t, options, onConnection) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  server.on('connection', onConnection);
  await once(server, 'listening');
  t.after(() => {
    for (const c of server.clients) c.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${server.address().port}/`;
}

for (const [name, WebSocket] of Object.entries(classes)) {
  test(`${name}: text, bytes, close`, async (t) => {
    const url = await serve(t, { handleProtocols: () => 'azuhost.v1' }, (socket) => {
      socket.send('\x1e{"type":"welcome","conn":"n.1"}');
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.on('close', (code, reason) => ended.resolve([code, String(reason)]));
    });
    const ended = {};
    const end = new Promise((resolve) => (ended.resolve = resolve));
    const client = new Client(url, { WebSocket, protocol: 'require' });
    const messages = client.messages();
    await client.connect();
    client.send('\x1etext ☃');
    client.send(new Uint8Array([0, 255]).subarray(1));
    client.send(new Uint8Array([7]).buffer);
    assert.equal((await messages.next()).value.data, '\x1etext ☃');
    for (const want of [[255], [7]]) {
      const { data } = (await messages.next()).value;
      assert.ok(data instanceof ArrayBuffer);
      assert.deepEqual([...new Uint8Array(data)], want);
    }
    await client.close(4000, 'enough');
    assert.deepEqual(await end, [4000, 'enough']);
    assert.equal((await messages.next()).done, true);
  });

  test(`${name}: a server without subprotocols, and one that agrees to all`, async (t) => {
    for (const handleProtocols of [() => false, undefined]) {
      const url = await serve(t, { handleProtocols }, (socket) => socket.on('message', (data) => socket.send(String(data))));
      const client = new Client(url, { WebSocket, minDelay: 1 });
      client.send('hello');
      const messages = client.messages();
      await client.connect();
      assert.equal((await messages.next()).value.data, 'hello');
      await client.close();
    }
  });

  test(`${name}: no server, then a server`, async (t) => {
    const url = await serve(t, {}, () => {});
    const gone = new Client('ws://127.0.0.1:1/', { WebSocket, minDelay: 1, reconnect: (c) => (c.code === 1006 && ++tries < 4 ? undefined : false) });
    let tries = 0;
    await assert.rejects(gone.connect(), { code: 'CLOSED' });
    assert.equal(tries, 4);
    const there = new Client(url, { WebSocket, protocol: 'off' });
    await there.connect();
    await there.close();
  });
}

test('after a 401 the client tries another token', async (t) => {
  const seen = [];
  const url = await serve(
    t,
    {
      handleProtocols: () => 'azuhost.v1',
      verifyClient: ({ req }, done) => {
        seen.push(new URL(req.url, 'ws://h').searchParams.get('token'));
        done(seen.length > 1, 401);
      },
    },
    (socket) => socket.send('\x1e{"type":"welcome","conn":"n.1"}'),
  );
  let n = 0;
  const client = new Client(url, { WebSocket: ws, protocol: 'require', minDelay: 1, getToken: () => `t${++n}` });
  await client.connect();
  assert.deepEqual(seen, ['t1', 't2']);
  await client.close();
});
