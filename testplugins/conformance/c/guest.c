/* The conformance guest in C. ../README.md describes it. */
#include "azuhost.h"

static char answer[1 << 20], config[4096], event[4096];
static size_t config_len, event_len;
static int64_t count;

/* ---- Text ---- */

static size_t copy(char *to, size_t cap, azu_str s) {
  size_t n = s.len < cap ? s.len : cap;
  __builtin_memcpy(to, s.data, n);
  return n;
}

static int64_t number(azu_str s) {
  bool minus = s.len && s.data[0] == '-';
  int64_t n = 0;
  for (size_t i = minus; i < s.len; i++) n = n * 10 + (s.data[i] - '0');
  return minus ? -n : n;
}

static size_t digits(char *to, int64_t n) {
  char back[20];
  uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
  size_t len = 0, at = 0;
  do back[len++] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (n < 0) to[at++] = '-';
  while (len) to[at++] = back[--len];
  return at;
}

static void replace(char *text, size_t n, char from, char to) {
  for (size_t i = 0; i < n; i++)
    if (text[i] == from) text[i] = to;
}

/* ---- Answers: "ok", "=VALUE" or "!ERROR", with their length as the result ---- */

static size_t text(azu_str s) { return copy(answer, sizeof answer, s); }

static size_t error(int32_t e) {
  answer[0] = '!';
  return 1 + copy(answer + 1, sizeof answer - 1, azu_cstr(azu_strerror(e)));
}

static size_t ok(int32_t e) { return e < 0 ? error(e) : text(AZU_STR("ok")); }

static size_t value(int32_t n) {
  answer[0] = '=';
  return n < 0 ? error(n) : 1 + (size_t)n;
}

static size_t num(int64_t n) {
  answer[0] = '=';
  return 1 + digits(answer + 1, n);
}

static size_t list(int32_t n) {
  if (n > 0) replace(answer + 1, (size_t)n, '\n', ',');
  return value(n);
}

#define BUF answer + 1, sizeof answer - 1

static size_t members(azu_str room) {
  static azu_conn ids[64];
  int32_t n = azu_room_members(room, ids, 64);
  if (n < 0) return error(n);
  size_t len = 1;
  answer[0] = '=';
  for (int32_t i = 0; i < n; i++) {
    if (i) answer[len++] = ',';
    len += digits(answer + len, (int64_t)ids[i]);
  }
  return len;
}

static azu_str lines(azu_str names) {
  static char text[4096];
  size_t n = copy(text, sizeof text, names);
  replace(text, n, ',', '\n');
  return azu_bytes(text, n);
}

/* ---- Commands ---- */

#define IS(text) azu_equal(command, AZU_STR(text))

/* Runs a command and returns the length of its answer. If the command ends the hook,
   *stop is the result of the hook. */
static size_t run_one(azu_conn conn, azu_str line, char sep, int32_t *stop) {
  azu_str command = azu_cut(&line, sep), a = azu_cut(&line, sep), b = azu_cut(&line, sep), c = line;
  int64_t sum = 0, n = number(a);
  int32_t e;
  if (IS("send")) return ok(azu_send(conn, azu_text(a)));
  if (IS("send_binary")) return ok(azu_send(conn, azu_binary(a)));
  if (IS("send_to")) return ok(azu_send((azu_conn)n, azu_text(b)));
  if (IS("broadcast")) return ok(azu_broadcast(a, azu_text(b), AZU_NOBODY));
  if (IS("broadcast_except")) return ok(azu_broadcast(a, azu_text(b), conn));
  if (IS("broadcast_all")) return ok(azu_broadcast_all(azu_text(a), AZU_NOBODY));
  if (IS("broadcast_all_except")) return ok(azu_broadcast_all(azu_text(a), conn));
  if (IS("send_user")) return ok(azu_send_user(a, azu_text(b)));
  if (IS("send_users")) return ok(azu_send_users(lines(a), azu_text(b)));
  if (IS("close")) return ok(azu_close(conn, (int32_t)n, b));
  if (IS("join")) return ok(azu_join(conn, a));
  if (IS("leave")) return ok(azu_leave(conn, a));
  if (IS("room_size")) return (e = azu_room_size(a)) < 0 ? error(e) : num(e);
  if (IS("room_members")) return members(a);
  if (IS("room_users")) return list(azu_room_users(a, BUF));
  if (IS("rooms")) return list(azu_rooms(conn, BUF));
  if (IS("identify")) return ok(azu_identify(conn, a));
  if (IS("user")) return value(azu_user(conn, BUF));
  if (IS("online")) return (e = azu_online(a)) < 0 ? error(e) : num(e);
  if (IS("users")) return list(azu_users(BUF));
  if (IS("param")) return value(azu_param(conn, a, BUF));
  if (IS("query")) return value(azu_query(conn, a, BUF));
  if (IS("header")) return value(azu_header(conn, a, BUF));
  if (IS("remote_addr")) return value(azu_remote_addr(conn, BUF));
  if (IS("subprotocol")) return value(azu_subprotocol(conn, BUF));
  if (IS("claims")) return value(azu_claims(conn, BUF));
  if (IS("value_get")) return value(azu_value_get(conn, a, BUF));
  if (IS("value_set")) return ok(azu_value_set(conn, a, b));
  if (IS("value_delete")) return ok(azu_value_delete(conn, a));
  if (IS("store_get")) return value(azu_store_get(a, BUF));
  if (IS("store_set")) return ok(azu_store_set(a, b, number(c)));
  if (IS("store_delete")) return ok(azu_store_delete(a));
  if (IS("store_add")) return (e = azu_store_add(a, number(b), number(c), &sum)) < 0 ? error(e) : num(sum);
  if (IS("timer_set")) return ok(azu_timer_set(conn, a, number(b)));
  if (IS("timer_clear")) return ok(azu_timer_clear(conn, a));
  if (IS("channel_timer_set")) return ok(azu_timer_set(AZU_NOBODY, a, number(b)));
  if (IS("channel_timer_clear")) return ok(azu_timer_clear(AZU_NOBODY, a));
  if (IS("log")) return ok(azu_log((azu_level)n, b));
  if (IS("counter_add")) return ok(azu_counter_add(a, (double)number(b), lines(c)));
  if (IS("gauge_set")) return ok(azu_gauge_set(a, (double)number(b), lines(c)));
  if (IS("histogram_observe")) return ok(azu_histogram_observe(a, (double)number(b), lines(c)));
  if (IS("now")) return num(azu_now());
  if (IS("id")) return num((int64_t)conn);
  if (IS("event")) return value((int32_t)copy(BUF, azu_bytes(event, event_len)));
  if (IS("config")) return value((int32_t)copy(BUF, azu_bytes(config, config_len)));
  if (IS("count")) return num(++count);
  if (IS("errno")) return error((int32_t)n);
  if (IS("fail")) *stop = azu_fail(a);
  else if (IS("refuse")) *stop = azu_refuse((int32_t)n);
  else if (IS("refuse_close")) *stop = azu_refuse_close((int32_t)n);
  else if (IS("propagate")) *stop = azu_value_get(conn, AZU_STR("missing"), BUF);
  else if (IS("trap")) __builtin_trap();
  else return text(AZU_STR("?"));
  return 0;
}

/* Runs the commands of a script. The answers go to a connection, or to all. */
static int32_t run(azu_conn conn, bool all, azu_str script, char sep) {
  do {
    int32_t stop = 0;
    size_t n = run_one(conn, azu_cut(&script, sep), sep == ';' ? '|' : '/', &stop);
    if (stop) return stop;
    azu_message m = azu_text(azu_bytes(answer, n));
    int32_t e = all ? azu_broadcast_all(m, AZU_NOBODY) : azu_send(conn, m);
    if (e) return e;
  } while (script.len);
  return 0;
}

/* Runs the script of a hook from the store, if there is one. */
static int32_t stored(azu_str hook, azu_conn conn, bool all) {
  static char script[4096];
  int32_t n = azu_store_get(hook, script, sizeof script);
  return n < 0 ? 0 : run(conn, all, azu_bytes(script, (size_t)n), ',');
}

static void add(azu_str s) { event_len += copy(event + event_len, sizeof event - event_len, s); }

static void add_number(int64_t n) { event_len += digits(event + event_len, n); }

static void set(azu_str s) {
  event_len = 0;
  add(s);
}

/* ---- Hooks ---- */

AZU_ON_LOAD(json) {
  azu_str prefix = AZU_STR("{\"do\":\"");
  config_len = copy(config, sizeof config, json);
  set(json);
  if (json.len <= prefix.len || !azu_equal(azu_bytes(json.data, prefix.len), prefix)) return 0;
  return run(AZU_NOBODY, true, azu_bytes(config + prefix.len, config_len - prefix.len - 2), ';');
}

AZU_ON_CONNECT(conn, target) {
  static char script[4096];
  set(target);
  int32_t n = azu_query(conn, AZU_STR("do"), script, sizeof script);
  return n < 0 ? 0 : run(conn, false, azu_bytes(script, (size_t)n), ';');
}

AZU_ON_MESSAGE(conn, message) {
  if (!message.data.len || message.data.data[0] == '#') return azu_send(conn, message);
  set(message.kind == AZU_TEXT ? AZU_STR("text ") : AZU_STR("binary "));
  add_number((int64_t)message.data.len);
  return run(conn, false, message.data, ';');
}

AZU_ON_CLOSE(conn, code, reason) {
  event_len = 0;
  add_number(code);
  add(AZU_STR("|"));
  add(reason);
  return stored(AZU_STR("on_close"), conn, true);
}

AZU_ON_TIMER(conn, name) {
  set(name);
  return stored(AZU_STR("on_timer"), conn, conn == AZU_NOBODY);
}

AZU_ON_PING(conn, payload) {
  set(payload);
  return stored(AZU_STR("on_ping"), conn, false);
}

AZU_ON_PONG(conn, payload) {
  set(payload);
  return stored(AZU_STR("on_pong"), conn, false);
}

AZU_ON_PRESENCE(room, user, joined) {
  set(room);
  add(AZU_STR("|"));
  add(user);
  add(joined ? AZU_STR("|1") : AZU_STR("|0"));
  return stored(AZU_STR("on_presence"), AZU_NOBODY, true);
}

AZU_ON_PUBLISH(to, name, message) {
  set(to);
  add(AZU_STR("|"));
  add(name);
  add(message.kind == AZU_TEXT ? AZU_STR("|text|") : AZU_STR("|binary|"));
  add(message.data);
  return stored(AZU_STR("on_publish"), AZU_NOBODY, true);
}
