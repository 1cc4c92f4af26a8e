// The SDK for C++20: the logic of azuhost's real-time channels. It is a thin layer over azuhost.h,
// without exceptions, RTTI, allocation and the standard library. A plugin defines a type with
// hooks, and registers it:
//
//   #include "azuhost.hpp"
//
//   struct echo {
//     azu::result on_message(azu::conn conn, azu::message m) { return conn.send(m); }
//   };
//   AZU_REGISTER(echo);
//
// A hook is atomic: its effects (sends, joins, writes and so on) happen if it returns a result with
// the code 0. If it returns anything else or traps, none of them happens.
#pragma once

#include "azuhost.h"

#if __has_include(<string_view>)
#include <string_view>
#endif

namespace azu {

// A reference to text or bytes. It does not own them.
struct str : azu_str {
  constexpr str() : azu_str{"", 0} {}
  constexpr str(azu_str s) : azu_str(s) {}
  constexpr str(const char *d, size_t n) : azu_str{d, n} {}
  template <size_t N>
  constexpr str(const char (&literal)[N]) : azu_str{literal, N - 1} {}
#ifdef __cpp_lib_string_view
  constexpr str(std::string_view s) : azu_str{s.data(), s.size()} {}
  constexpr operator std::string_view() const { return {data, len}; }
#endif
  constexpr const char *begin() const { return data; }
  constexpr const char *end() const { return data + len; }
  constexpr bool empty() const { return len == 0; }
  friend bool operator==(str a, str b) { return azu_equal(a, b); }

  // Cuts at the first c. Returns the part before c, and keeps the part after it. Without a c,
  // returns everything, and keeps an empty string.
  str cut(char c) { return azu_cut(this, c); }
};

// The result of a function: 0 or more, or a negative error number such as AZU_NOT_FOUND.
struct [[nodiscard]] result {
  int32_t code = 0;
  constexpr result(int32_t c = 0) : code(c) {}
  constexpr bool ok() const { return code >= 0; }
  constexpr explicit operator bool() const { return ok(); }

  // Returns the name of the error, such as "NOT_FOUND"; "OK" if there is none.
  const char *name() const { return azu_strerror(code < 0 ? code : 0); }
};

// Sets the reason of a failure, for the log of the host. The hook fails whatever it returns. Returns
// AZU_FAILED: `return azu::fail("the config has no rooms");`.
inline result fail(str why) { return azu_fail(why); }

// Returns the result with which on_connect refuses the handshake, and on_publish the publication: an
// HTTP status from 400 to 599. Other numbers give AZU_INVALID, with which the hook fails.
inline result refuse(int32_t status) { return azu_refuse(status); }

// Returns the result with which on_connect refuses a connection after its upgrade. The host sends
// the messages of the hook to this connection, and closes it with the code, 3000 to 4999. Other
// numbers give AZU_INVALID, with which the hook fails.
inline result refuse_close(int32_t code) { return azu_refuse_close(code); }

// A buffer of N bytes for a getter. view() returns the value that the last getter wrote: empty if it
// failed.
template <size_t N>
class buffer {
  char bytes[N];
  size_t used = 0;

 public:
  str view() const { return {bytes, used}; }

  // Calls a getter and keeps its value. Returns AZU_LIMIT if the value is larger than N bytes.
  template <class F>
  result fill(F get) {
    used = 0;
    result r = get(bytes, N);
    if (r.ok() && static_cast<size_t>(r.code) > N) return AZU_LIMIT;
    if (r.ok()) used = static_cast<size_t>(r.code);
    return r;
  }
};

// A WebSocket message. The data of a message that a hook receives is valid until the hook returns.
struct message : azu_message {
  constexpr message(azu_message m) : azu_message(m) {}

  // A string converts to a text message.
  constexpr message(str text) : azu_message{AZU_TEXT, text} {}
  template <size_t L>
  constexpr message(const char (&literal)[L]) : message(str(literal)) {}
  static constexpr message binary(str bytes) { return azu_message{AZU_BINARY, bytes}; }
  constexpr bool is_text() const { return kind == AZU_TEXT; }
  constexpr str text() const { return data; }
};

// A connection, known by its id. After it has closed, its functions return AZU_NOT_FOUND. Ids are not
// reused. Getters write to a buffer, and return the length of the value or an error:
//
//   azu::buffer<64> name;
//   if (conn.param("room_id", name)) use(name.view());
struct conn {
  azu_conn id = AZU_NOBODY;

  explicit operator bool() const { return id != AZU_NOBODY; }
  friend bool operator==(conn a, conn b) { return a.id == b.id; }

  result send(message m) const { return azu_send(id, m); }

  // Closes the connection after the messages that were sent to it before. The code is 1000, 1001,
  // 1003, 1007 to 1013, or 3000 to 4999. The reason is at most 123 bytes.
  result close(int32_t code, str reason = {}) const { return azu_close(id, code, reason); }

  // Makes the connection a member of a room. Succeeds if it is a member already.
  result join(str room) const { return azu_join(id, room); }

  // Ends the membership in a room. Succeeds if the connection is not a member.
  result leave(str room) const { return azu_leave(id, room); }

  // Sets the user of the connection. An empty name removes it. The host does not verify the user, so
  // the plugin must.
  result identify(str user) const { return azu_identify(id, user); }

  // Lists the rooms of the connection, in the order of joining, joined by '\n'.
  template <size_t N>
  result rooms(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_rooms(id, b, n); });
  }

  // Empty if the connection has no user.
  template <size_t N>
  result user(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_user(id, b, n); });
  }

  // A parameter of the path: the path "/rooms/:room_id" has the parameter "room_id".
  template <size_t N>
  result param(str k, buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_param(id, k, b, n); });
  }

  // The first query parameter of a name, decoded. It works in on_connect only.
  template <size_t N>
  result query(str k, buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_query(id, k, b, n); });
  }

  // A header of the request. Repeated headers are joined by ", ". It works in on_connect only.
  template <size_t N>
  result header(str k, buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_header(id, k, b, n); });
  }

  // The IP address of the client, without the port.
  template <size_t N>
  result remote_addr(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_remote_addr(id, b, n); });
  }

  // The agreed subprotocol: empty if there is none.
  template <size_t N>
  result subprotocol(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_subprotocol(id, b, n); });
  }

  // The claims of the verified token, as JSON. Fails with AZU_NOT_FOUND if there is no token.
  template <size_t N>
  result claims(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_claims(id, b, n); });
  }

  // A value of the connection, kept in the host for the life of the connection. All instances and
  // versions of the plugin share it.
  template <size_t N>
  result value(str k, buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_value_get(id, k, b, n); });
  }

  result set_value(str key, str value) const { return azu_value_set(id, key, value); }

  // Fails with AZU_NOT_FOUND if there is no such value.
  result delete_value(str key) const { return azu_value_delete(id, key); }

  // Sets a timer: the host calls on_timer once, after_ms milliseconds from now. A timer with the same
  // name is replaced. The timer ends with the connection.
  result set_timer(str name, int64_t after_ms) const { return azu_timer_set(id, name, after_ms); }

  // Fails with AZU_NOT_FOUND if there is no such timer.
  result clear_timer(str name) const { return azu_timer_clear(id, name); }
};

// A room of the channel, known by its name. It exists as long as it has members.
struct room {
  str name;

  // Sends a message to every member, except one connection if it is given.
  result broadcast(message m, conn except = {}) const { return azu_broadcast(name, m, except.id); }

  // Returns the number of connections in the room.
  result size() const { return azu_room_size(name); }

  // Writes the connections in the room to an array of n, and returns their number. Writes nothing if
  // there are more than n.
  result members(conn *to, size_t n) const { return azu_room_members(name, &to->id, n); }

  // Lists the users present in the room, sorted, joined by '\n'.
  template <size_t N>
  result users(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_room_users(name, b, n); });
  }
};
static_assert(sizeof(conn) == sizeof(azu_conn));

// A user of the channel, known by the name that conn::identify set.
struct user {
  str name;

  // Sends a message to every connection of the user. Succeeds if there is none.
  result send(message m) const { return azu_send_user(name, m); }

  // Returns true if the user is present in the channel: connected, or within the grace of the route
  // after the last connection has closed.
  bool online() const { return azu_online(name) == 1; }
};

// Sends a message to every connection of the channel, except one if it is given.
inline result broadcast(message m, conn except = {}) { return azu_broadcast_all(m, except.id); }

// Sends a message to every connection of several users. The names are joined by '\n'.
inline result send_users(str users, message m) { return azu_send_users(users, m); }

// Lists the users present in the channel, sorted, joined by '\n'.
template <size_t N>
result users(buffer<N> &to) {
  return to.fill([](char *b, size_t n) { return azu_users(b, n); });
}

// The target of a publication. to is "room", "user" or "all"; name is the name of the room or user,
// and empty for all.
struct target {
  str to, name;

  // Sends a message to the target.
  result send(message m) const { return azu_pass(to, name, m); }
};

// A key of the channel's store, which all instances and versions of the plugin share. ttl_ms is the
// time to live in milliseconds; 0 is without end.
struct key {
  str name;

  // The value of the key. Fails with AZU_NOT_FOUND if there is none.
  template <size_t N>
  result get(buffer<N> &to) const {
    return to.fill([&](char *b, size_t n) { return azu_store_get(name, b, n); });
  }
  result set(str value, int64_t ttl_ms = 0) const { return azu_store_set(name, value, ttl_ms); }

  // Deletes the value. Fails with AZU_NOT_FOUND if there is none.
  result remove() const { return azu_store_delete(name); }

  // Adds delta to the decimal number in the value, 0 if there is none, and sets sum. ttl_ms counts
  // from the creation of the value.
  result add(int64_t delta, int64_t &sum, int64_t ttl_ms = 0) const {
    return azu_store_add(name, delta, ttl_ms, &sum);
  }
};

// Sets a timer of the channel: the host calls on_timer once, after_ms milliseconds from now, without a
// connection. A timer with the same name is replaced.
inline result set_timer(str name, int64_t after_ms) { return azu_timer_set(AZU_NOBODY, name, after_ms); }
inline result clear_timer(str name) { return azu_timer_clear(AZU_NOBODY, name); }

// Writes a line to the log of the host at once, even if the hook fails later.
inline void log(azu_level level, str text) { azu_log(level, text); }

// Metrics of the plugin. Labels are "name=value", joined by '\n'. Every combination of labels is a
// series, and the host limits the number of series: labels should not contain names of rooms or
// users.
inline result counter_add(str name, double value = 1, str labels = {}) { return azu_counter_add(name, value, labels); }
inline result gauge_set(str name, double value, str labels = {}) { return azu_gauge_set(name, value, labels); }
inline result histogram_observe(str name, double value, str labels = {}) {
  return azu_histogram_observe(name, value, labels);
}

// Returns the time of the host in nanoseconds since 1970, UTC.
inline int64_t now() { return azu_now(); }

namespace detail {

template <class T>
T channel;

// The compiler does not export a template instance of a type in an anonymous namespace. Its name shows
// in __PRETTY_FUNCTION__ as "(anonymous namespace)".
template <class T>
constexpr bool is_anonymous() {
  for (const char *p = __PRETTY_FUNCTION__; *p; p++)
    if (p[0] == '(' && p[1] == 'a' && p[2] == 'n') return true;
  return false;
}

#define AZU_DETAIL(hook, args, call)                        \
  template <class T>                                        \
  struct hook##_export {};                                  \
  template <class T>                                        \
    requires requires { &T::hook; }                         \
  struct hook##_export<T> {                                 \
    [[clang::export_name(#hook)]] static int32_t run args { \
      result r = channel<T>.hook call;                      \
      return r.code;                                        \
    }                                                       \
  };
AZU_DETAIL(on_load, (uint32_t n), (str(azu_event(n))))
AZU_DETAIL(on_connect, (uint64_t c, uint32_t n), (conn{c}, str(azu_event(n))))
AZU_DETAIL(on_message, (uint64_t c, uint32_t n, int32_t k), (conn{c}, message(azu_received(k, azu_event(n)))))
AZU_DETAIL(on_close, (uint64_t c, uint32_t n, int32_t code), (conn{c}, code, str(azu_event(n))))
AZU_DETAIL(on_timer, (uint64_t c, uint32_t n), (conn{c}, str(azu_event(n))))
AZU_DETAIL(on_ping, (uint64_t c, uint32_t n), (conn{c}, str(azu_event(n))))
AZU_DETAIL(on_pong, (uint64_t c, uint32_t n), (conn{c}, str(azu_event(n))))
AZU_DETAIL(on_presence, (uint32_t n, int32_t k), (str(azu_line(n, 0)), str(azu_line(n, 1)), k == 1))
AZU_DETAIL(on_publish, (uint32_t n, int32_t k),
           (target{azu_line(n, 0), azu_line(n, 1)}, message(azu_received(k, azu_part(n, 2)))))
#undef AZU_DETAIL

}  // namespace detail
}  // namespace azu

// Registers a type as the channel of this program. The type is not in an anonymous namespace. The host
// calls those of these member functions that the type has; azuhost.h describes them:
//
//   azu::result on_load(azu::str config);
//   azu::result on_connect(azu::conn conn, azu::str target);
//   azu::result on_message(azu::conn conn, azu::message m);
//   azu::result on_close(azu::conn conn, int32_t code, azu::str reason);
//   azu::result on_timer(azu::conn conn, azu::str name);
//   azu::result on_presence(azu::str room, azu::str user, bool joined);
//   azu::result on_publish(azu::target to, azu::message m);
//   azu::result on_ping(azu::conn conn, azu::str payload);
//   azu::result on_pong(azu::conn conn, azu::str payload);
//
// The conn of on_timer is false for a timer of the channel.
#define AZU_REGISTER(type)                                                                                         \
  static_assert(!azu::detail::is_anonymous<type>(), "AZU_REGISTER: move the type out of the anonymous namespace"); \
  template struct azu::detail::on_load_export<type>;                                                               \
  template struct azu::detail::on_connect_export<type>;                                                            \
  template struct azu::detail::on_message_export<type>;                                                            \
  template struct azu::detail::on_close_export<type>;                                                              \
  template struct azu::detail::on_timer_export<type>;                                                              \
  template struct azu::detail::on_presence_export<type>;                                                           \
  template struct azu::detail::on_publish_export<type>;                                                            \
  template struct azu::detail::on_ping_export<type>;                                                               \
  template struct azu::detail::on_pong_export<type>

#ifndef __wasi__
// Runs the constructors of globals once, before anything else. Destructors never run.
extern "C" void __wasm_call_ctors(void);
extern "C" __attribute__((weak, export_name("_initialize"))) void azu_initialize(void) { __wasm_call_ctors(); }
extern "C" __attribute__((weak)) int __cxa_atexit(void (*)(void *), void *, void *) { return 0; }
#endif
