// The list of raw frames: the last ones, newest last.

const MAX_FRAMES = 500;
const MAX_SHOWN = 2000; // characters of one frame

const list = document.getElementById('frames');
const count = document.getElementById('frame-count');
const follow = document.getElementById('follow');
let total = 0;

// clock formats a time of day with milliseconds.
export function clock(date) {
  return date.toTimeString().slice(0, 8) + '.' + String(date.getMilliseconds()).padStart(3, '0');
}

// element creates an element.
export function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function hex(buffer) {
  const bytes = new Uint8Array(buffer, 0, Math.min(buffer.byteLength, 256));
  const text = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');
  return buffer.byteLength > bytes.length ? text + ' …' : text;
}

function shown(data) {
  if (data instanceof ArrayBuffer) return hex(data);
  return data.length > MAX_SHOWN ? data.slice(0, MAX_SHOWN) + ' …' : data;
}

function size(data) {
  if (data instanceof ArrayBuffer) return `${data.byteLength} B binary`;
  return `${new TextEncoder().encode(data).length} B`;
}

function arrow(direction) {
  if (direction === 'in') return ['↓', 'received'];
  if (direction === 'out') return ['↑', 'sent'];
  return ['·', 'connection'];
}

// frame adds a line. direction is in, out, event (of the connection) or failed.
export function frame(direction, data) {
  const line = element('li', direction);
  const now = new Date();
  const time = element('time', '', clock(now));
  time.dateTime = now.toISOString();
  const [symbol, title] = arrow(direction);
  const dir = element('span', 'dir', symbol);
  dir.title = title;
  line.append(time, dir, element('span', 'data', shown(data)));
  if (direction === 'in' || direction === 'out') {
    total++;
    line.append(element('span', 'size', size(data)));
  }
  list.append(line);
  while (list.childElementCount > MAX_FRAMES) list.firstElementChild.remove();
  count.textContent = total ? `(${total})` : '';
  if (follow.checked) list.scrollTop = list.scrollHeight;
}

export function clearFrames() {
  list.replaceChildren();
  total = 0;
  count.textContent = '';
}
