// The playground: selects a channel, owns the one connection, and passes frames
// to the chat view and the frame list.

import { chat } from './chat.js';
import { clearFrames, element, frame } from './frames.js';
import { showLog } from './log.js';

const $ = (id) => document.getElementById(id);
let routes = [];
let socket = null;

// ---- Values that this tab keeps across reloads.

function remember(key, value) {
  try { sessionStorage.setItem('azuhost.' + key, value); } catch { /* no storage in private mode */ }
}

function recall(key) {
  try { return sessionStorage.getItem('azuhost.' + key); } catch { return null; }
}

function newName() {
  const names = [
    'ada', 'alan', 'barbara', 'dennis', 'edsger', 'frances', 'grace',
    'ken', 'leslie', 'radia', 'tony', 'vint',
  ];
  const [a, b] = crypto.getRandomValues(new Uint16Array(2));
  return `${names[a % names.length]}-${(b % 900) + 100}`;
}

// ---- The form.

function route() {
  return routes.find((r) => r.path === $('channel').value);
}

// paramNames returns the parameters of a pattern: for /rooms/:room_id, room_id.
function paramNames(path) {
  return path.split('/').filter((s) => s.startsWith(':')).map((s) => s.slice(1));
}

function showRoute() {
  const r = route();
  $('params').replaceChildren(...paramNames(r?.path ?? '').map((name) => {
    const label = element('label', '', name);
    const input = element('input');
    input.name = name;
    input.required = true;
    input.value = recall('param.' + name) ?? 'general';
    label.append(input);
    return label;
  }));
  const protocols = r?.subprotocols ?? [];
  $('subprotocol').replaceChildren(...['', ...protocols].map((p) => {
    const option = element('option', '', p || '(none)');
    option.value = p;
    return option;
  }));
  $('subprotocol-field').hidden = protocols.length === 0;
  view(isChat(r));
  showURL();
}

function isChat(r) {
  return Boolean(r) && r.plugin === 'chat';
}

// nameParam returns the query parameter in which the channel expects the user's name.
function nameParam(r) {
  return ['users', 'presence'].includes(r?.plugin) ? 'user' : 'name';
}

// address returns the URL to connect to.
function address() {
  const path = $('channel').value.split('/').map((s) => {
    if (!s.startsWith(':')) return s;
    return encodeURIComponent($('params').querySelector(`[name="${CSS.escape(s.slice(1))}"]`)?.value ?? '');
  }).join('/');
  const query = new URLSearchParams($('query').value);
  if ($('name').value) query.set(nameParam(route()), $('name').value);
  const search = query.toString();
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}${search ? '?' + search : ''}`;
}

function showURL() {
  $('url').textContent = routes.length ? address() : 'no channels';
}

// ---- The connection.

// state shows the state of the connection: closed, connecting, open or failed.
function state(name, text) {
  $('state').dataset.state = name;
  $('state').textContent = text;
  const connected = name === 'open' || name === 'connecting';
  $('toggle').textContent = connected ? 'Disconnect' : 'Connect';
  $('payload').disabled = $('send').querySelector('button').disabled = name !== 'open';
  $('join').querySelector('button').disabled = name !== 'open';
  if (name !== 'open') chat.enable(false);
}

function connect() {
  const url = address();
  const name = $('name').value;
  const protocol = $('subprotocol').value;
  let ws;
  try {
    ws = new WebSocket(url, protocol ? [protocol] : []);
  } catch (err) {
    frame('failed', err.message);
    state('failed', 'not a valid address');
    return;
  }
  socket = ws;
  ws.binaryType = 'arraybuffer';
  chat.reset(name);
  state('connecting', 'connecting …');
  frame('event', `connecting to ${url}`);
  ws.onopen = () => {
    state('open', ws.protocol ? `connected, ${ws.protocol}` : 'connected');
    frame('event', 'connected');
    if (isChat(route())) chat.subscribe(send);
  };
  ws.onmessage = (event) => {
    frame('in', event.data);
    if (chat.receive(event.data)) view(true);
  };
  ws.onclose = (event) => {
    if (socket === ws) socket = null;
    const clean = event.code === 1000 || event.code === 1005;
    const text = closeText(event);
    frame(clean ? 'event' : 'failed', text);
    state(clean ? 'closed' : 'failed', text);
  };
}

// CLOSE_CODES has the meanings of close codes (RFC 6455, section 7.4.1).
const CLOSE_CODES = new Map([
  [1000, 'normal'], [1001, 'going away'], [1003, 'unsupported data'], [1005, 'no code'],
  [1006, 'no close frame: refused or interrupted'], [1007, 'invalid text'], [1008, 'policy violation'],
  [1009, 'message too large'], [1011, 'internal error'], [1012, 'restart'], [1013, 'try again later'],
]);

// closeText describes a close event.
function closeText(event) {
  let text = `closed: ${event.code}`;
  if (CLOSE_CODES.has(event.code)) text += ` (${CLOSE_CODES.get(event.code)})`;
  if (event.reason) text += ` ${event.reason}`;
  return text;
}

function send(data) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(data);
  frame('out', data);
}

// ---- Views. A narrow screen shows one at a time.

// view shows the frame list, and the chat if withChat is true.
function view(withChat) {
  document.body.classList.toggle('no-chat', !withChat);
  tab(withChat ? 'chat' : 'raw');
}

// tab selects the view of a narrow screen.
function tab(name) {
  document.body.classList.toggle('tab-chat', name === 'chat');
  $('tab-chat').setAttribute('aria-selected', String(name === 'chat'));
  $('tab-raw').setAttribute('aria-selected', String(name === 'raw'));
}

// hint shows whether the frame to send is JSON.
function hint() {
  const text = $('payload').value.trim();
  let kind = '';
  if (text) {
    try { JSON.parse(text); kind = 'JSON'; } catch { kind = 'text (not JSON)'; }
  }
  $('json-hint').textContent = kind;
}

// ---- Events.

$('channel').addEventListener('change', () => { remember('channel', $('channel').value); showRoute(); });
$('connect').addEventListener('input', (event) => {
  if ($('params').contains(event.target)) remember('param.' + event.target.name, event.target.value);
  else if (event.target === $('name') || event.target === $('query')) remember(event.target.id, event.target.value);
  showURL();
});
$('connect').addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket) socket.close(1000, '');
  else connect();
});
$('join').addEventListener('submit', (event) => { event.preventDefault(); chat.subscribe(send); });
$('say').addEventListener('submit', (event) => { event.preventDefault(); chat.say(send); });
$('send').addEventListener('submit', (event) => { event.preventDefault(); send($('payload').value); });
$('payload').addEventListener('input', hint);
$('payload').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('send').requestSubmit();
});
$('template').addEventListener('change', () => {
  if ($('template').value) $('payload').value = $('template').value;
  $('template').value = '';
  hint();
  $('payload').focus();
});
$('clear').addEventListener('click', clearFrames);
$('tab-chat').addEventListener('click', () => tab('chat'));
$('tab-raw').addEventListener('click', () => tab('raw'));

// ---- Start.

async function start() {
  $('name').value = recall('name') ?? newName();
  remember('name', $('name').value);
  $('query').value = recall('query') ?? '';
  state('closed', 'not connected');
  try {
    const response = await fetch('/playground/channels.json');
    if (!response.ok) throw new Error(`status ${response.status}`);
    if (response.headers.has('Azuhost-Events')) showLog();
    routes = (await response.json()) ?? [];
  } catch (err) {
    state('failed', `cannot load the channels: ${err.message}`);
    return;
  }
  $('channel').replaceChildren(...routes.map((r) => {
    const option = element('option', '', r.path + (r.plugin ? `   (${r.plugin})` : ''));
    option.value = r.path;
    return option;
  }));
  $('toggle').disabled = routes.length === 0;
  const wanted = recall('channel');
  const first = routes.find((r) => r.path === wanted) ?? routes.find(isChat) ?? routes[0];
  if (first) $('channel').value = first.path;
  showRoute();
}

start();
