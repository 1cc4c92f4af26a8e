// Write the logic of azuhost's real-time channels in C++20: a thin layer over
// azuhost.h, without exceptions, RTTI, allocation or the standard library.
//
//   #include "azuhost.hpp"
//
//   struct echo {
//     azu::result on_message(azu::conn conn, azu::message m) { return conn.send(m); }
//   };
//   AZU_REGISTER(echo);
//
// A hook is atomic: what it asks for happens if it returns an azu::result that is ok,
// and not at all if it returns another or traps.
#pragma once

#include "azuhost.h"

#if __has_include(<string_view>)
#include <string_view>
#endif

namespace azu {

// Text or bytes that belong to somebody else.
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

  // Cuts at the first c: gives what is before it, and leaves what is after.
  str cut(char c) { return azu_cut(this, c); }
};

// What the host answered: a number of 0 or more, or an error such as AZU_NOT_FOUND.
struct [[nodiscard]] result {
  int32_t code = 0;
  constexpr result(int32_t c = 0) : code(c) {}
  constexpr bool ok() const { return code >= 0; }
  constexpr explicit operator bool() const { return ok(); }
  const char *name() const { return azu_strerror(code < 0 ? code : 0); }
};

// How a hook ends besides: `return azu::fail("no luck");`
inline result fail(str why) { return azu_fail(why); }
inline result refuse(int32_t status) { return azu_refuse(status); }
inline result refuse_close(int32_t code) { return azu_refuse_close(code); }

// Memory of N bytes for what getters give. view() is what was got.
template <size_t N>
class buffer {
  char bytes[N];
  size_t used = 0;

 public:
  str view() const { return {bytes, used}; }

  // Takes what a getter gives. AZU_LIMIT: it is larger than N.
  template <class F>
  result fill(F get) {
    used = 0;
    result r = get(bytes, N);
    if (r.ok() && static_cast<size_t>(r.code) > N) return AZU_LIMIT;
    if (r.ok()) used = static_cast<size_t>(r.code);
    return r;
  }
};

struct message : azu_message {
  constexpr message(azu_message m) : azu_message(m) {}
  // Text is what is most often sent.
  constexpr message(str text) : azu_message{AZU_TEXT, text} {}
  template <size_t L>
  constexpr message(const char (&literal)[L]) : message(str(literal)) {}
  static constexpr message binary(str bytes) { return azu_message{AZU_BINARY, bytes}; }
  constexpr bool is_text() const { return kind == AZU_TEXT; }
  constexpr str text() const { return data; }
};

// A connection, by its id. Getters fill a buffer: `azu::buffer<64> name;
// conn.param("room_id", name)`.
struct conn {
  azu_conn id = AZU_NOBODY;

  explicit operator bool() const { return id != AZU_NOBODY; }
  friend bool operator==(conn a, conn b) { return a.id == b.id; }

  result send(message m) const { return azu_send(id, m); }
  result close(int32_t code, str reason = {}) const { return azu_close(id, code, reason); }
  result join(str room) const { return azu_join(id, room); }
  result leave(str room) const { return azu_leave(id, room); }
  result identify(str user) const { return azu_identify(id, user); }

  template <size_t N> result rooms(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_rooms(id, b, n); }); }
  template <size_t N> result user(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_user(id, b, n); }); }
  template <size_t N> result param(str k, buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_param(id, k, b, n); }); }
  template <size_t N> result query(str k, buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_query(id, k, b, n); }); }
  template <size_t N> result header(str k, buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_header(id, k, b, n); }); }
  template <size_t N> result remote_addr(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_remote_addr(id, b, n); }); }
  template <size_t N> result subprotocol(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_subprotocol(id, b, n); }); }
  template <size_t N> result claims(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_claims(id, b, n); }); }
  template <size_t N> result value(str k, buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_value_get(id, k, b, n); }); }

  result set_value(str key, str value) const { return azu_value_set(id, key, value); }
  result delete_value(str key) const { return azu_value_delete(id, key); }
  result set_timer(str name, int64_t after_ms) const { return azu_timer_set(id, name, after_ms); }
  result clear_timer(str name) const { return azu_timer_clear(id, name); }
};

struct room {
  str name;

  // Sends to every member, or to all but one.
  result broadcast(message m, conn except = {}) const { return azu_broadcast(name, m, except.id); }
  result size() const { return azu_room_size(name); }
  // Lists the connections, at most n of them; the result is how many there are.
  result members(conn *to, size_t n) const { return azu_room_members(name, &to->id, n); }
  // Lists the users present, one a line.
  template <size_t N> result users(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_room_users(name, b, n); }); }
};
static_assert(sizeof(conn) == sizeof(azu_conn));

struct user {
  str name;

  result send(message m) const { return azu_send_user(name, m); }
  bool online() const { return azu_online(name) == 1; }
};

inline result broadcast(message m, conn except = {}) { return azu_broadcast_all(m, except.id); }
// The users are named one a line.
inline result send_users(str users, message m) { return azu_send_users(users, m); }
template <size_t N> result users(buffer<N> &to) { return to.fill([](char *b, size_t n) { return azu_users(b, n); }); }

// Whom a message is for that was published from outside: to is room, user or all.
struct target {
  str to, name;
  // Lets it pass.
  result send(message m) const { return azu_pass(to, name, m); }
};

// A key of the channel's store. Times to live are in milliseconds, 0 is without end.
struct key {
  str name;

  template <size_t N> result get(buffer<N> &to) const { return to.fill([&](char *b, size_t n) { return azu_store_get(name, b, n); }); }
  result set(str value, int64_t ttl_ms = 0) const { return azu_store_set(name, value, ttl_ms); }
  result remove() const { return azu_store_delete(name); }
  result add(int64_t delta, int64_t &sum, int64_t ttl_ms = 0) const { return azu_store_add(name, delta, ttl_ms, &sum); }
};

inline result set_timer(str name, int64_t after_ms) { return azu_timer_set(AZU_NOBODY, name, after_ms); }
inline result clear_timer(str name) { return azu_timer_clear(AZU_NOBODY, name); }
inline void log(azu_level level, str text) { azu_log(level, text); }
// Labels are lines of name=value.
inline result counter_add(str name, double value = 1, str labels = {}) { return azu_counter_add(name, value, labels); }
inline result gauge_set(str name, double value, str labels = {}) { return azu_gauge_set(name, value, labels); }
inline result histogram_observe(str name, double value, str labels = {}) { return azu_histogram_observe(name, value, labels); }
// Nanoseconds since 1970, UTC.
inline int64_t now() { return azu_now(); }

namespace detail {

template <class T>
T channel;

// What is in an anonymous namespace is not seen outside of the file, and so is not
// exported.
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
AZU_DETAIL(on_publish, (uint32_t n, int32_t k), (target{azu_line(n, 0), azu_line(n, 1)}, message(azu_received(k, azu_part(n, 2)))))
#undef AZU_DETAIL

}  // namespace detail
}  // namespace azu

// Makes a type the channel of this program. The host calls the member functions
// that it has:
//
//   azu::result on_load(azu::str config);
//   azu::result on_connect(azu::conn conn, azu::str target);
//   azu::result on_message(azu::conn conn, azu::message m);
//   azu::result on_close(azu::conn conn, int32_t code, azu::str reason);
//   azu::result on_timer(azu::conn conn, azu::str name);   // false: a timer of the channel
//   azu::result on_presence(azu::str room, azu::str user, bool joined);
//   azu::result on_publish(azu::target to, azu::message m);
//   azu::result on_ping(azu::conn conn, azu::str payload);
//   azu::result on_pong(azu::conn conn, azu::str payload);
#define AZU_REGISTER(type)                                                                                  \
  static_assert(!azu::detail::is_anonymous<type>(), "AZU_REGISTER: the type is in an anonymous namespace"); \
  template struct azu::detail::on_load_export<type>;                                                        \
  template struct azu::detail::on_connect_export<type>;                                                     \
  template struct azu::detail::on_message_export<type>;                                                     \
  template struct azu::detail::on_close_export<type>;                                                       \
  template struct azu::detail::on_timer_export<type>;                                                       \
  template struct azu::detail::on_presence_export<type>;                                                    \
  template struct azu::detail::on_publish_export<type>;                                                     \
  template struct azu::detail::on_ping_export<type>;                                                        \
  template struct azu::detail::on_pong_export<type>

#ifndef __wasi__
// Constructors of globals run once, before anything else. Destructors never do.
extern "C" void __wasm_call_ctors(void);
extern "C" __attribute__((weak, export_name("_initialize"))) void azu_initialize(void) { __wasm_call_ctors(); }
extern "C" __attribute__((weak)) int __cxa_atexit(void (*)(void *), void *, void *) { return 0; }
#endif
