/* Write the logic of azuhost's real-time channels in C: include this header, and
   define the hooks that you want.

     #include "azuhost.h"

     AZU_ON_MESSAGE(conn, message) { return azu_send(conn, message); }

   A hook is atomic: what it asks for happens if it returns 0, and not at all if it
   returns anything else or traps. Functions return 0 or more, or a negative error
   number, so that a hook can end with `return azu_join(…)`.

   No library is needed. Functions that take `buf, cap` return the length of what
   there is, as snprintf does, and write it if it fits, without a 0 at its end. */
#ifndef AZUHOST_H
#define AZUHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "azuhost_raw.h"

/* How large the inbox is, where the host writes an event's bytes. Larger events
   are fetched: they cost memory once. Define it before the include. */
#ifndef AZU_INBOX_SIZE
#define AZU_INBOX_SIZE 65536
#endif

/* ---- Text, messages, errors ---- */

/* Bytes that belong to somebody else. */
typedef struct {
  const char *data;
  size_t len;
} azu_str;

/* AZU_STR makes an azu_str of a literal, azu_cstr of a string that ends in 0. */
#ifdef __cplusplus
#define AZU_STR(literal) (azu_str{"" literal, sizeof(literal) - 1})
#else
#define AZU_STR(literal) ((azu_str){"" literal, sizeof(literal) - 1})
#endif

static inline azu_str azu_bytes(const void *data, size_t len) {
  azu_str s = {(const char *)data, len};
  return s;
}

static inline azu_str azu_cstr(const char *text) {
  size_t n = 0;
  while (text[n]) n++;
  return azu_bytes(text, n);
}

static inline bool azu_equal(azu_str a, azu_str b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (a.data[i] != b.data[i]) return false;
  return true;
}

/* Cuts text at the first c: gives what is before it, and leaves what is after. */
static inline azu_str azu_cut(azu_str *text, char c) {
  size_t n = 0;
  while (n < text->len && text->data[n] != c) n++;
  azu_str before = azu_bytes(text->data, n);
  *text = n < text->len ? azu_bytes(text->data + n + 1, text->len - n - 1) : azu_bytes(text->data + n, 0);
  return before;
}

/* A connection: an id, never 0. Once the connection is gone, functions answer
   AZU_NOT_FOUND; ids are not used again. */
typedef uint64_t azu_conn;
#define AZU_NOBODY ((azu_conn)0)

typedef enum { AZU_TEXT = 1, AZU_BINARY = 2 } azu_kind;

/* A message of a WebSocket. One that a hook gets is valid until it returns. */
typedef struct {
  azu_kind kind;
  azu_str data;
} azu_message;

static inline azu_message azu_text(azu_str data) {
  azu_message m = {AZU_TEXT, data};
  return m;
}

static inline azu_message azu_binary(azu_str data) {
  azu_message m = {AZU_BINARY, data};
  return m;
}

enum {
  AZU_OK = 0,
  AZU_INVALID = -1,     /* an argument is not allowed: a name, text that is not UTF-8, a kind or code */
  AZU_NOT_FOUND = -2,   /* no such connection, parameter, key, value or timer */
  AZU_PERM = -3,        /* the operator does not allow it on this route */
  AZU_LIMIT = -4,       /* a limit is reached: effects of a hook, bytes, values, timers */
  AZU_STATE = -5,       /* not now: headers and query outside on_connect, for example */
  AZU_TIMEOUT = -6,     /* the hook's deadline passed while the host waited */
  AZU_UNAVAILABLE = -7, /* a part of the host, such as the store, is out of order */
  AZU_FAILED = -8       /* the hook has failed */
};

/* The name of an error number, for logs. */
static inline const char *azu_strerror(int32_t error) {
  static const char *const names[] = {"OK",    "INVALID", "NOT_FOUND",   "PERM",  "LIMIT",
                                      "STATE", "TIMEOUT", "UNAVAILABLE", "FAILED"};
  return error <= 0 && error >= AZU_FAILED ? names[-error] : "UNKNOWN";
}

/* Says why the hook fails: `return azu_fail(AZU_STR("no luck"));` */
static inline int32_t azu_fail(azu_str why) { return azu_raw_fail(why.data, (uint32_t)why.len); }

/* What on_connect returns besides 0: azu_refuse(401) refuses the handshake with an
   HTTP status, 400 to 599; azu_refuse_close(3000) has the connection upgraded, sent
   what the hook sent to it, and closed with this code, 3000 to 4999. Other numbers
   are AZU_INVALID: the hook fails. */
static inline int32_t azu_refuse(int32_t status) { return status >= 400 && status < 600 ? status : AZU_INVALID; }
static inline int32_t azu_refuse_close(int32_t code) { return code >= 3000 && code < 5000 ? code : AZU_INVALID; }

/* ---- To connections, rooms and users ---- */

static inline int32_t azu_send(azu_conn conn, azu_message m) {
  return azu_raw_send(conn, m.kind, m.data.data, (uint32_t)m.data.len);
}

/* Sends to every member of a room but one; AZU_NOBODY: to all. */
static inline int32_t azu_broadcast(azu_str room, azu_message m, azu_conn except) {
  return azu_raw_broadcast(room.data, (uint32_t)room.len, m.kind, m.data.data, (uint32_t)m.data.len, except);
}

/* Sends to every connection of the channel but one; AZU_NOBODY: to all. */
static inline int32_t azu_broadcast_all(azu_message m, azu_conn except) {
  return azu_raw_broadcast_all(m.kind, m.data.data, (uint32_t)m.data.len, except);
}

/* Sends to every connection of a user. One who is not there is no error. */
static inline int32_t azu_send_user(azu_str user, azu_message m) {
  return azu_raw_send_user(user.data, (uint32_t)user.len, m.kind, m.data.data, (uint32_t)m.data.len);
}

/* Sends to every connection of some users, named one a line. */
static inline int32_t azu_send_users(azu_str users, azu_message m) {
  return azu_raw_send_users(users.data, (uint32_t)users.len, m.kind, m.data.data, (uint32_t)m.data.len);
}

/* Sends a message to whom on_publish says it is for: lets it pass. */
static inline int32_t azu_pass(azu_str to, azu_str name, azu_message m) {
  if (azu_equal(to, AZU_STR("room"))) return azu_broadcast(name, m, AZU_NOBODY);
  if (azu_equal(to, AZU_STR("user"))) return azu_send_user(name, m);
  return azu_broadcast_all(m, AZU_NOBODY);
}

/* Closes after what was sent before, with 1000, 1001, 1003, 1007 to 1013, or 3000
   to 4999. The reason is at most 123 bytes. */
static inline int32_t azu_close(azu_conn conn, int32_t code, azu_str reason) {
  return azu_raw_close(conn, code, reason.data, (uint32_t)reason.len);
}

/* Rooms need not be made: one exists as long as it has members. */
static inline int32_t azu_join(azu_conn conn, azu_str room) { return azu_raw_join(conn, room.data, (uint32_t)room.len); }
static inline int32_t azu_leave(azu_conn conn, azu_str room) { return azu_raw_leave(conn, room.data, (uint32_t)room.len); }

/* Counts the connections in a room. */
static inline int32_t azu_room_size(azu_str room) { return azu_raw_room_size(room.data, (uint32_t)room.len); }

/* Lists the connections in a room. The sizes here are connections, not bytes. */
static inline int32_t azu_room_members(azu_str room, azu_conn *buf, size_t cap) {
  int32_t n = azu_raw_room_members(room.data, (uint32_t)room.len, buf, (uint32_t)(cap * sizeof *buf));
  return n < 0 ? n : n / (int32_t)sizeof *buf;
}

/* Lists are names, one a line; azu_cut(&list, '\n') takes one. */
static inline int32_t azu_room_users(azu_str room, char *buf, size_t cap) {
  return azu_raw_room_users(room.data, (uint32_t)room.len, buf, (uint32_t)cap);
}
static inline int32_t azu_rooms(azu_conn conn, char *buf, size_t cap) { return azu_raw_rooms(conn, buf, (uint32_t)cap); }
static inline int32_t azu_users(char *buf, size_t cap) { return azu_raw_users(buf, (uint32_t)cap); }

/* Says which user a connection belongs to; an empty name takes it back. Who the
   user is has to be proved to the plugin: the host believes it. */
static inline int32_t azu_identify(azu_conn conn, azu_str user) {
  return azu_raw_identify(conn, user.data, (uint32_t)user.len);
}
static inline int32_t azu_user(azu_conn conn, char *buf, size_t cap) { return azu_raw_user(conn, buf, (uint32_t)cap); }

/* 1 if the user is present in the channel, else 0. */
static inline int32_t azu_online(azu_str user) { return azu_raw_online(user.data, (uint32_t)user.len); }

/* ---- What is known of a connection ---- */

/* A parameter of the path: "/rooms/:room_id" has room_id. */
static inline int32_t azu_param(azu_conn conn, azu_str name, char *buf, size_t cap) {
  return azu_raw_param(conn, name.data, (uint32_t)name.len, buf, (uint32_t)cap);
}

/* A query parameter or a header of the request; in on_connect only. */
static inline int32_t azu_query(azu_conn conn, azu_str name, char *buf, size_t cap) {
  return azu_raw_query(conn, name.data, (uint32_t)name.len, buf, (uint32_t)cap);
}
static inline int32_t azu_header(azu_conn conn, azu_str name, char *buf, size_t cap) {
  return azu_raw_header(conn, name.data, (uint32_t)name.len, buf, (uint32_t)cap);
}

/* The client's IP address, the agreed subprotocol (empty where there is none),
   and the claims of the verified token as JSON. */
static inline int32_t azu_remote_addr(azu_conn conn, char *buf, size_t cap) {
  return azu_raw_remote_addr(conn, buf, (uint32_t)cap);
}
static inline int32_t azu_subprotocol(azu_conn conn, char *buf, size_t cap) {
  return azu_raw_subprotocol(conn, buf, (uint32_t)cap);
}
static inline int32_t azu_claims(azu_conn conn, char *buf, size_t cap) { return azu_raw_claims(conn, buf, (uint32_t)cap); }

/* ---- State: kept in the host, found by every instance and every version ---- */

/* Values live as long as their connection. */
static inline int32_t azu_value_get(azu_conn conn, azu_str key, char *buf, size_t cap) {
  return azu_raw_value_get(conn, key.data, (uint32_t)key.len, buf, (uint32_t)cap);
}
static inline int32_t azu_value_set(azu_conn conn, azu_str key, azu_str value) {
  return azu_raw_value_set(conn, key.data, (uint32_t)key.len, value.data, (uint32_t)value.len);
}
static inline int32_t azu_value_delete(azu_conn conn, azu_str key) {
  return azu_raw_value_delete(conn, key.data, (uint32_t)key.len);
}

/* The store is the channel's. A time to live of 0 is without end. */
static inline int32_t azu_store_get(azu_str key, char *buf, size_t cap) {
  return azu_raw_store_get(key.data, (uint32_t)key.len, buf, (uint32_t)cap);
}
static inline int32_t azu_store_set(azu_str key, azu_str value, int64_t ttl_ms) {
  return azu_raw_store_set(key.data, (uint32_t)key.len, value.data, (uint32_t)value.len, ttl_ms);
}
static inline int32_t azu_store_delete(azu_str key) { return azu_raw_store_delete(key.data, (uint32_t)key.len); }

/* Adds to a number, from 0 where there is none, and writes the sum. */
static inline int32_t azu_store_add(azu_str key, int64_t delta, int64_t ttl_ms, int64_t *sum) {
  return azu_raw_store_add(key.data, (uint32_t)key.len, delta, ttl_ms, sum);
}

/* ---- Timers, log, metrics, time ---- */

/* Has on_timer called once; AZU_NOBODY: a timer of the channel. The same name
   again sets it anew. */
static inline int32_t azu_timer_set(azu_conn conn, azu_str name, int64_t after_ms) {
  return azu_raw_timer_set(conn, name.data, (uint32_t)name.len, after_ms);
}
static inline int32_t azu_timer_clear(azu_conn conn, azu_str name) {
  return azu_raw_timer_clear(conn, name.data, (uint32_t)name.len);
}

typedef enum { AZU_DEBUG = 0, AZU_INFO = 1, AZU_WARN = 2, AZU_ERROR = 3 } azu_level;

/* Writes a line to the host's log at once, also if the hook fails later. */
static inline int32_t azu_log(azu_level level, azu_str text) {
  return azu_raw_log(level, text.data, (uint32_t)text.len);
}

/* Labels are lines of name=value. Every combination is a series of its own, and
   the host bounds their number: never use names of rooms or users. */
static inline int32_t azu_counter_add(azu_str name, double value, azu_str labels) {
  return azu_raw_metric(0, name.data, (uint32_t)name.len, labels.data, (uint32_t)labels.len, value);
}
static inline int32_t azu_gauge_set(azu_str name, double value, azu_str labels) {
  return azu_raw_metric(1, name.data, (uint32_t)name.len, labels.data, (uint32_t)labels.len, value);
}
static inline int32_t azu_histogram_observe(azu_str name, double value, azu_str labels) {
  return azu_raw_metric(2, name.data, (uint32_t)name.len, labels.data, (uint32_t)labels.len, value);
}

/* Nanoseconds since 1970, UTC. */
static inline int64_t azu_now(void) { return azu_raw_now(); }

/* ---- Hooks ---- */

#ifdef __cplusplus
#define AZU_C extern "C"
#else
#define AZU_C
#endif

/* Exports a function for the host. */
#define AZU_EXPORT(name) AZU_C __attribute__((export_name(#name)))

/* The inbox and azu_v1 are the same ones in every file that includes this. */
struct azu_large_event {
  void *data;
  uint32_t cap;
};
__attribute__((weak)) unsigned char azu_inbox[AZU_INBOX_SIZE];
__attribute__((weak)) struct azu_large_event azu_large;

AZU_C __attribute__((weak, export_name("azu_v1"))) uint64_t azu_v1(void) {
  return (uint64_t)(uintptr_t)azu_inbox << 32 | AZU_INBOX_SIZE;
}

/* Gives the bytes of an event; one larger than the inbox is fetched to memory that
   is kept for the next. Where there is no memory the hook traps. */
static inline azu_str azu_event(uint32_t len) {
  if (len <= AZU_INBOX_SIZE) return azu_bytes(azu_inbox, len);
  if (len > azu_large.cap) {
    uint32_t pages = (len + 65535) / 65536;
    size_t at = __builtin_wasm_memory_grow(0, pages);
    if (at == (size_t)-1) __builtin_trap();
    azu_large.data = (void *)(at * 65536);
    azu_large.cap = pages * 65536;
  }
  azu_raw_read(azu_large.data, 0, len);
  return azu_bytes(azu_large.data, len);
}

/* Gives what follows the nth newline of an event, up to the next one; the third
   part is the rest. */
static inline azu_str azu_part(uint32_t len, int n) {
  azu_str rest = azu_event(len);
  while (n-- > 0) azu_cut(&rest, '\n');
  return rest;
}
static inline azu_str azu_line(uint32_t len, int n) {
  azu_str rest = azu_part(len, n);
  return azu_cut(&rest, '\n');
}
static inline azu_message azu_received(int32_t kind, azu_str data) {
  azu_message m = {kind == AZU_TEXT ? AZU_TEXT : AZU_BINARY, data};
  return m;
}

/* Each of these begins the definition of a hook, an int32_t function:

     AZU_ON_CONNECT(conn, target) { return azu_join(conn, AZU_STR("lobby")); } */

/* Decides about a connection before it is upgraded: 0 accepts it. The target is path
   and query as the client sent them. What is sent goes out after the upgrade. */
#define AZU_ON_CONNECT(conn, target)                                                     \
  static int32_t azu_on_connect(azu_conn conn, azu_str target);                          \
  AZU_EXPORT(on_connect) int32_t azu_export_on_connect(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_connect(azu_c, azu_event(azu_n));                                      \
  }                                                                                      \
  static int32_t azu_on_connect(azu_conn conn __attribute__((unused)), azu_str target __attribute__((unused)))

#define AZU_ON_MESSAGE(conn, message)                                                                   \
  static int32_t azu_on_message(azu_conn conn, azu_message message);                                    \
  AZU_EXPORT(on_message) int32_t azu_export_on_message(uint64_t azu_c, uint32_t azu_n, int32_t azu_k) { \
    return azu_on_message(azu_c, azu_received(azu_k, azu_event(azu_n)));                                \
  }                                                                                                     \
  static int32_t azu_on_message(azu_conn conn __attribute__((unused)), azu_message message __attribute__((unused)))

/* Called exactly once for every accepted connection, whatever ended it; the code is
   1006 where there was none. azu_rooms and azu_user still tell where and who it was. */
#define AZU_ON_CLOSE(conn, code, reason)                                                            \
  static int32_t azu_on_close(azu_conn conn, int32_t code, azu_str reason);                         \
  AZU_EXPORT(on_close) int32_t azu_export_on_close(uint64_t azu_c, uint32_t azu_n, int32_t azu_k) { \
    return azu_on_close(azu_c, azu_k, azu_event(azu_n));                                            \
  }                                                                                                 \
  static int32_t azu_on_close(azu_conn conn __attribute__((unused)), int32_t code __attribute__((unused)), azu_str reason __attribute__((unused)))

/* The config of the route as JSON. Runs once in every new instance, before its first
   event; what it asks for takes effect in the first instance of a version only. */
#define AZU_ON_LOAD(config)                                        \
  static int32_t azu_on_load(azu_str config);                      \
  AZU_EXPORT(on_load) int32_t azu_export_on_load(uint32_t azu_n) { \
    return azu_on_load(azu_event(azu_n));                          \
  }                                                                \
  static int32_t azu_on_load(azu_str config __attribute__((unused)))

/* conn is AZU_NOBODY for a timer of the channel. */
#define AZU_ON_TIMER(conn, name)                                                     \
  static int32_t azu_on_timer(azu_conn conn, azu_str name);                          \
  AZU_EXPORT(on_timer) int32_t azu_export_on_timer(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_timer(azu_c, azu_event(azu_n));                                    \
  }                                                                                  \
  static int32_t azu_on_timer(azu_conn conn __attribute__((unused)), azu_str name __attribute__((unused)))

/* The host has answered pings already. Each hook from here on costs a call per event
   of its kind, so define it only if you need it. */
#define AZU_ON_PING(conn, payload)                                                 \
  static int32_t azu_on_ping(azu_conn conn, azu_str payload);                      \
  AZU_EXPORT(on_ping) int32_t azu_export_on_ping(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_ping(azu_c, azu_event(azu_n));                                   \
  }                                                                                \
  static int32_t azu_on_ping(azu_conn conn __attribute__((unused)), azu_str payload __attribute__((unused)))

#define AZU_ON_PONG(conn, payload)                                                 \
  static int32_t azu_on_pong(azu_conn conn, azu_str payload);                      \
  AZU_EXPORT(on_pong) int32_t azu_export_on_pong(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_pong(azu_c, azu_event(azu_n));                                   \
  }                                                                                \
  static int32_t azu_on_pong(azu_conn conn __attribute__((unused)), azu_str payload __attribute__((unused)))

/* A user became present in a room, or stopped being so; the room is empty for the
   channel. */
#define AZU_ON_PRESENCE(room, user, joined)                                               \
  static int32_t azu_on_presence(azu_str room, azu_str user, bool joined);                \
  AZU_EXPORT(on_presence) int32_t azu_export_on_presence(uint32_t azu_n, int32_t azu_k) { \
    return azu_on_presence(azu_line(azu_n, 0), azu_line(azu_n, 1), azu_k == 1);           \
  }                                                                                       \
  static int32_t azu_on_presence(azu_str room __attribute__((unused)), azu_str user __attribute__((unused)), bool joined __attribute__((unused)))

/* A message that was published from outside: to is room, user or all, and name whose.
   The plugin sends it itself, changed, or with azu_pass, or refuses it: azu_refuse. */
#define AZU_ON_PUBLISH(to, name, message)                                                                   \
  static int32_t azu_on_publish(azu_str to, azu_str name, azu_message message);                             \
  AZU_EXPORT(on_publish) int32_t azu_export_on_publish(uint32_t azu_n, int32_t azu_k) {                     \
    return azu_on_publish(azu_line(azu_n, 0), azu_line(azu_n, 1), azu_received(azu_k, azu_part(azu_n, 2))); \
  }                                                                                                         \
  static int32_t azu_on_publish(azu_str to __attribute__((unused)), azu_str name __attribute__((unused)), azu_message message __attribute__((unused)))

#endif
