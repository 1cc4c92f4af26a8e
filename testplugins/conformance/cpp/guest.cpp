// The conformance guest in C++. ../README.md describes it.
#include "azuhost.hpp"

using azu::str;

namespace {

// A text of at most N bytes.
template <size_t N>
struct text {
  char bytes[N];
  size_t len = 0;

  str view() const { return {bytes, len}; }

  text &add(str s) {
    for (char c : s)
      if (len < N) bytes[len++] = c;
    return *this;
  }

  text &add(int64_t n) {
    if (n < 0) add("-");
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = n < 0 ? -static_cast<uint64_t>(n) : static_cast<uint64_t>(n);
    do digits[--at] = static_cast<char>('0' + rest % 10);
    while (rest /= 10);
    return add(str{digits + at, sizeof digits - at});
  }

  text &set(str s) {
    len = 0;
    return add(s);
  }

  void replace(char from, char to) {
    for (size_t i = 0; i < len; i++)
      if (bytes[i] == from) bytes[i] = to;
  }
};

int64_t number(str s) {
  int64_t n = 0;
  bool minus = !s.empty() && s.data[0] == '-';
  for (size_t i = minus; i < s.len; i++) n = n * 10 + (s.data[i] - '0');
  return minus ? -n : n;
}

text<1 << 20> answer;
azu::buffer<1 << 20> data;  // the value of the last getter

void ok(azu::result r) { r ? answer.set("ok") : answer.set("!").add(str(azu_cstr(r.name()))); }

void value(azu::result r) { r ? answer.set("=").add(data.view()) : (ok(r), answer); }

void list(azu::result r) {
  value(r);
  answer.replace('\n', ',');
}

void num(azu::result r, int64_t n) { r ? answer.set("=").add(n) : (ok(r), answer); }

str lines(str names) {
  static text<4096> t;
  t.set(names).replace(',', '\n');
  return t.view();
}

}  // namespace

struct guest {
  text<4096> config, event;
  int64_t count = 0;

  azu::result on_load(str json) {
    str prefix = "{\"do\":\"";
    config.set(json);
    event.set(json);
    if (json.len <= prefix.len || str(json.data, prefix.len) != prefix) return 0;
    return run({}, true, {config.bytes + prefix.len, config.len - prefix.len - 2}, ';', '|');
  }

  azu::result on_connect(azu::conn conn, str target) {
    static azu::buffer<4096> script;
    event.set(target);
    return conn.query("do", script) ? run(conn, false, script.view(), ';', '|') : azu::result(0);
  }

  azu::result on_message(azu::conn conn, azu::message m) {
    if (m.text().empty() || m.data.data[0] == '#') return conn.send(m);
    event.set(m.is_text() ? str("text ") : str("binary ")).add(static_cast<int64_t>(m.data.len));
    return run(conn, false, m.data, ';', '|');
  }

  azu::result on_close(azu::conn conn, int32_t code, str reason) {
    event.set("").add(code).add("|").add(reason);
    return stored("on_close", conn, true);
  }

  azu::result on_timer(azu::conn conn, str name) {
    event.set(name);
    return stored("on_timer", conn, !conn);
  }

  azu::result on_presence(str room, str user, bool joined) {
    event.set(room).add("|").add(user).add(joined ? str("|1") : str("|0"));
    return stored("on_presence", {}, true);
  }

  azu::result on_publish(azu::target to, azu::message m) {
    event.set(to.to).add("|").add(to.name).add(m.is_text() ? str("|text|") : str("|binary|")).add(m.text());
    return stored("on_publish", {}, true);
  }

  azu::result on_ping(azu::conn conn, str payload) {
    event.set(payload);
    return stored("on_ping", conn, false);
  }

  azu::result on_pong(azu::conn conn, str payload) {
    event.set(payload);
    return stored("on_pong", conn, false);
  }

  // Runs the script of a hook from the store, if there is one.
  azu::result stored(str hook, azu::conn conn, bool all) {
    static azu::buffer<4096> script;
    return azu::key{hook}.get(script) ? run(conn, all, script.view(), ',', '/') : azu::result(0);
  }

  azu::result run(azu::conn conn, bool all, str script, char separator, char argument) {
    do {
      str c = script.cut(separator), name = c.cut(argument), a = c.cut(argument), b = c.cut(argument);
      azu::result stop = command(conn, name, a, b, c);
      if (stop.code != 0) return stop;
      azu::result r = all ? azu::broadcast(answer.view()) : conn.send(answer.view());
      if (!r) return r;
    } while (!script.empty());
    return 0;
  }

  // Runs a command. If the command ends the hook, returns the result of the hook.
  azu::result command(azu::conn conn, str name, str a, str b, str c) {
    azu::room room{a};
    azu::key key{a};
    int64_t n = number(a), sum = 0;
    if (name == "send") ok(conn.send(a));
    else if (name == "send_binary") ok(conn.send(azu::message::binary(a)));
    else if (name == "send_to") ok(azu::conn{static_cast<azu_conn>(n)}.send(b));
    else if (name == "broadcast") ok(room.broadcast(b));
    else if (name == "broadcast_except") ok(room.broadcast(b, conn));
    else if (name == "broadcast_all") ok(azu::broadcast(a));
    else if (name == "broadcast_all_except") ok(azu::broadcast(a, conn));
    else if (name == "send_user") ok(azu::user{a}.send(b));
    else if (name == "send_users") ok(azu::send_users(lines(a), b));
    else if (name == "close") ok(conn.close(static_cast<int32_t>(n), b));
    else if (name == "join") ok(conn.join(a));
    else if (name == "leave") ok(conn.leave(a));
    else if (name == "room_size") num(room.size(), room.size().code);
    else if (name == "room_members") members(room);
    else if (name == "room_users") list(room.users(data));
    else if (name == "rooms") list(conn.rooms(data));
    else if (name == "identify") ok(conn.identify(a));
    else if (name == "user") value(conn.user(data));
    else if (name == "online") num(0, azu::user{a}.online());
    else if (name == "users") list(azu::users(data));
    else if (name == "param") value(conn.param(a, data));
    else if (name == "query") value(conn.query(a, data));
    else if (name == "header") value(conn.header(a, data));
    else if (name == "remote_addr") value(conn.remote_addr(data));
    else if (name == "subprotocol") value(conn.subprotocol(data));
    else if (name == "claims") value(conn.claims(data));
    else if (name == "value_get") value(conn.value(a, data));
    else if (name == "value_set") ok(conn.set_value(a, b));
    else if (name == "value_delete") ok(conn.delete_value(a));
    else if (name == "store_get") value(key.get(data));
    else if (name == "store_set") ok(key.set(b, number(c)));
    else if (name == "store_delete") ok(key.remove());
    else if (name == "store_add") {
      azu::result r = key.add(number(b), sum, number(c));
      num(r, sum);
    }
    else if (name == "timer_set") ok(conn.set_timer(a, number(b)));
    else if (name == "timer_clear") ok(conn.clear_timer(a));
    else if (name == "channel_timer_set") ok(azu::set_timer(a, number(b)));
    else if (name == "channel_timer_clear") ok(azu::clear_timer(a));
    else if (name == "log") azu::log(static_cast<azu_level>(n), b), answer.set("ok");
    else if (name == "counter_add") ok(azu::counter_add(a, static_cast<double>(number(b)), lines(c)));
    else if (name == "gauge_set") ok(azu::gauge_set(a, static_cast<double>(number(b)), lines(c)));
    else if (name == "histogram_observe") ok(azu::histogram_observe(a, static_cast<double>(number(b)), lines(c)));
    else if (name == "now") num(0, azu::now());
    else if (name == "id") num(0, static_cast<int64_t>(conn.id));
    else if (name == "event") answer.set("=").add(event.view());
    else if (name == "config") answer.set("=").add(config.view());
    else if (name == "count") num(0, ++count);
    else if (name == "errno") ok(static_cast<int32_t>(n));
    else if (name == "fail") return azu::fail(a);
    else if (name == "refuse") return azu::refuse(static_cast<int32_t>(n));
    else if (name == "refuse_close") return azu::refuse_close(static_cast<int32_t>(n));
    else if (name == "propagate") return conn.value("missing", data);
    else if (name == "trap") __builtin_trap();
    else answer.set("?").add(name);
    return 0;
  }

  void members(azu::room room) {
    static azu::conn ids[64];
    azu::result r = room.members(ids, 64);
    if (!r) return ok(r);
    answer.set("=");
    for (int32_t i = 0; i < r.code; i++) answer.add(i ? str(",") : str("")).add(static_cast<int64_t>(ids[i].id));
  }
};

AZU_REGISTER(guest);
