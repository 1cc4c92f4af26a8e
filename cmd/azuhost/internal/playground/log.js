// The log of azuhost dev, with the errors of builds.

import { clock, element } from './frames.js';

const MAX_LINES = 500;
const $ = (id) => document.getElementById(id);

// showLog shows the log, and follows it.
export function showLog() {
  const source = new EventSource('/playground/events');
  source.onopen = () => {
    $('log').hidden = false;
    $('lines').replaceChildren(); // each stream begins with the recent lines
  };
  source.onmessage = (event) => line(JSON.parse(event.data));
  $('clear-log').addEventListener('click', () => $('lines').replaceChildren());
}

function line({ time, level, plugin, text }) {
  const list = $('lines');
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const item = element('li', level);
  item.append(
    element('time', '', clock(new Date(time))),
    element('b', '', plugin ?? ''),
    element('pre', '', text),
  );
  list.append(item);
  while (list.children.length > MAX_LINES) list.firstChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}
