/* The SDK for C: the logic of azuhost's real-time channels. A plugin includes this header and
   defines hooks:

     #include "azuhost.h"

     AZU_ON_MESSAGE(conn, message) { return azu_send(conn, message); }

   A hook is atomic: its effects (sends, joins, writes and so on) happen if it returns 0. If it
   returns anything else or traps, none of them happens.

   Functions return 0 or more, or a negative error number, such as AZU_NOT_FOUND. A hook can
   therefore end with `return azu_join(conn, room);`.

   Getters take `buf, cap`. They return the length of the value in bytes, and write the value to
   buf if the length is at most cap. Otherwise they write nothing, and the caller calls again with
   a larger buffer. They write no 0 at the end.

   Names of rooms, users, parameters, keys, timers and metrics are 1 to 255 bytes of UTF-8 without
   control characters and line separators. Strings that are passed in are copied.

   The header needs no library. sdk/ABI.md is the reference of the host functions. */
#ifndef AZUHOST_H
#define AZUHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "azuhost_raw.h"

/* AZU_INBOX_SIZE is the size in bytes of the inbox, where the host writes the bytes of an event.
   The memory for a larger event is allocated when the first one arrives. A plugin may define
   another size before it includes this header. */
#ifndef AZU_INBOX_SIZE
#define AZU_INBOX_SIZE 65536
#endif

/* ---- Text, messages, errors ---- */

/* A reference to bytes. It does not own them. */
typedef struct {
  const char *data;
  size_t len;
} azu_str;

/* Makes an azu_str from a string literal. */
#ifdef __cplusplus
#define AZU_STR(literal) (azu_str{"" literal, sizeof(literal) - 1})
#else
#define AZU_STR(literal) ((azu_str){"" literal, sizeof(literal) - 1})
#endif

/* Makes an azu_str from an address and a length in bytes. */
static inline azu_str azu_bytes(const void *data, size_t len) {
  azu_str s = {(const char *)data, len};
  return s;
}

/* Makes an azu_str from a string that ends in 0. */
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

/* Cuts text at the first c. Returns the part before c, and sets text to the part after it. If text
   has no c, returns all of text, and sets text to an empty string. */
static inline azu_str azu_cut(azu_str *text, char c) {
  size_t n = 0;
  while (n < text->len && text->data[n] != c) n++;
  azu_str before = azu_bytes(text->data, n);
  *text = n < text->len ? azu_bytes(text->data + n + 1, text->len - n - 1) : azu_bytes(text->data + n, 0);
  return before;
}

/* The id of a connection, never 0. After the connection has closed, functions return
   AZU_NOT_FOUND for it. Ids are not reused. */
typedef uint64_t azu_conn;

/* AZU_NOBODY is no connection. */
#define AZU_NOBODY ((azu_conn)0)

typedef enum { AZU_TEXT = 1, AZU_BINARY = 2 } azu_kind;

/* A WebSocket message. The data of a message that a hook receives is valid until the hook returns. */
typedef struct {
  azu_kind kind;
  azu_str data;
} azu_message;

/* Makes a text message. The functions that send it return AZU_INVALID if it is not UTF-8. */
static inline azu_message azu_text(azu_str data) {
  azu_message m = {AZU_TEXT, data};
  return m;
}

/* Makes a binary message. */
static inline azu_message azu_binary(azu_str data) {
  azu_message m = {AZU_BINARY, data};
  return m;
}

/* Results of functions. */
enum {
  AZU_OK = 0,
  AZU_INVALID = -1,     /* an argument is not allowed: a name, text that is not UTF-8, a kind, a code */
  AZU_NOT_FOUND = -2,   /* there is no such connection, parameter, key, value, timer or token */
  AZU_PERM = -3,        /* the route does not allow the function */
  AZU_LIMIT = -4,       /* a limit is reached, such as that of effects, bytes, values or timers */
  AZU_STATE = -5,       /* not possible in this hook, such as azu_query outside of on_connect */
  AZU_TIMEOUT = -6,     /* the deadline of the hook passed while the host waited */
  AZU_UNAVAILABLE = -7, /* a part of the host, such as the store, does not work now */
  AZU_FAILED = -8       /* the result of azu_fail: the hook has failed */
};

/* Returns the name of an error number, such as "NOT_FOUND". */
static inline const char *azu_strerror(int32_t error) {
  static const char *const names[] = {"OK",    "INVALID", "NOT_FOUND",   "PERM",  "LIMIT",
                                      "STATE", "TIMEOUT", "UNAVAILABLE", "FAILED"};
  return error <= 0 && error >= AZU_FAILED ? names[-error] : "UNKNOWN";
}

/* Sets the reason of a failure, for the log of the host. The hook fails whatever it returns. Returns
   AZU_FAILED: `return azu_fail(AZU_STR("the config has no rooms"));`. */
static inline int32_t azu_fail(azu_str why) { return azu_raw_fail(why.data, (uint32_t)why.len); }

/* Returns the result with which on_connect refuses the handshake, and on_publish the publication: an
   HTTP status from 400 to 599. Other numbers give AZU_INVALID, with which the hook fails. Browsers
   do not show the status to their scripts. */
static inline int32_t azu_refuse(int32_t status) { return status >= 400 && status < 600 ? status : AZU_INVALID; }

/* Returns the result with which on_connect refuses a connection after its upgrade. The host sends
   the messages of the hook to this connection, and closes it with the code, 3000 to 4999. Other
   numbers give AZU_INVALID, with which the hook fails. */
static inline int32_t azu_refuse_close(int32_t code) { return code >= 3000 && code < 5000 ? code : AZU_INVALID; }

/* ---- Connections, rooms and users ---- */

/* Sends a message to a connection of the channel. */
static inline int32_t azu_send(azu_conn conn, azu_message m) {
  return azu_raw_send(conn, m.kind, m.data.data, (uint32_t)m.data.len);
}

/* Sends a message to every member of a room except one connection. AZU_NOBODY excludes none. */
static inline int32_t azu_broadcast(azu_str room, azu_message m, azu_conn except) {
  return azu_raw_broadcast(room.data, (uint32_t)room.len, m.kind, m.data.data, (uint32_t)m.data.len, except);
}

/* Sends a message to every connection of the channel except one. AZU_NOBODY excludes none. */
static inline int32_t azu_broadcast_all(azu_message m, azu_conn except) {
  return azu_raw_broadcast_all(m.kind, m.data.data, (uint32_t)m.data.len, except);
}

/* Sends a message to every connection of a user. Returns 0 if the user has no connection. */
static inline int32_t azu_send_user(azu_str user, azu_message m) {
  return azu_raw_send_user(user.data, (uint32_t)user.len, m.kind, m.data.data, (uint32_t)m.data.len);
}

/* Sends a message to every connection of several users. The names are joined by '\n'. */
static inline int32_t azu_send_users(azu_str users, azu_message m) {
  return azu_raw_send_users(users.data, (uint32_t)users.len, m.kind, m.data.data, (uint32_t)m.data.len);
}

/* Sends a message to the target of a publication. to and name are those of on_publish. */
static inline int32_t azu_pass(azu_str to, azu_str name, azu_message m) {
  if (azu_equal(to, AZU_STR("room"))) return azu_broadcast(name, m, AZU_NOBODY);
  if (azu_equal(to, AZU_STR("user"))) return azu_send_user(name, m);
  return azu_broadcast_all(m, AZU_NOBODY);
}

/* Closes a connection after the messages that were sent to it before. The code is 1000, 1001, 1003,
   1007 to 1013, or 3000 to 4999. The reason is at most 123 bytes. */
static inline int32_t azu_close(azu_conn conn, int32_t code, azu_str reason) {
  return azu_raw_close(conn, code, reason.data, (uint32_t)reason.len);
}

/* Makes a connection a member of a room. A room exists as long as it has members. Returns 0 if the
   connection is a member already. */
static inline int32_t azu_join(azu_conn conn, azu_str room) {
  return azu_raw_join(conn, room.data, (uint32_t)room.len);
}

/* Ends the membership of a connection in a room. Returns 0 if it is not a member. A connection that
   closes leaves its rooms. */
static inline int32_t azu_leave(azu_conn conn, azu_str room) {
  return azu_raw_leave(conn, room.data, (uint32_t)room.len);
}

/* Returns the number of connections in a room. */
static inline int32_t azu_room_size(azu_str room) { return azu_raw_room_size(room.data, (uint32_t)room.len); }

/* Writes the connections in a room to buf, and returns their number. cap and the result count
   connections, not bytes. Writes nothing if there are more than cap. */
static inline int32_t azu_room_members(azu_str room, azu_conn *buf, size_t cap) {
  int32_t n = azu_raw_room_members(room.data, (uint32_t)room.len, buf, (uint32_t)(cap * sizeof *buf));
  return n < 0 ? n : n / (int32_t)sizeof *buf;
}

/* Getter of the users present in a room: their names, sorted and joined by '\n'. azu_cut(&list, '\n')
   takes the first. */
static inline int32_t azu_room_users(azu_str room, char *buf, size_t cap) {
  return azu_raw_room_users(room.data, (uint32_t)room.len, buf, (uint32_t)cap);
}

/* Getter of the rooms of a connection: their names, joined by '\n', in the order of joining. */
static inline int32_t azu_rooms(azu_conn conn, char *buf, size_t cap) {
  return azu_raw_rooms(conn, buf, (uint32_t)cap);
}

/* Getter of the users present in the channel: their names, sorted and joined by '\n'. */
static inline int32_t azu_users(char *buf, size_t cap) { return azu_raw_users(buf, (uint32_t)cap); }

/* Sets the user of a connection. An empty name removes it. The host does not verify the user, so the
   plugin must. */
static inline int32_t azu_identify(azu_conn conn, azu_str user) {
  return azu_raw_identify(conn, user.data, (uint32_t)user.len);
}

/* Getter of the user of a connection: empty if it has none. */
static inline int32_t azu_user(azu_conn conn, char *buf, size_t cap) { return azu_raw_user(conn, buf, (uint32_t)cap); }

/* Returns 1 if the user is present in the channel, else 0. A user stays present for the grace of the
   route after the last connection has closed. */
static inline int32_t azu_online(azu_str user) { return azu_raw_online(user.data, (uint32_t)user.len); }

/* ---- The request of a connection ---- */

/* Getter of a parameter of the path: the path "/rooms/:room_id" has the parameter room_id. */
static inline int32_t azu_param(azu_conn conn, azu_str name, char *buf, size_t cap) {
  return azu_raw_param(conn, name.data, (uint32_t)name.len, buf, (uint32_t)cap);
}

/* Getter of the first query parameter of a name, decoded. It works in on_connect only. */
static inline int32_t azu_query(azu_conn conn, azu_str name, char *buf, size_t cap) {
  return azu_raw_query(conn, name.data, (uint32_t)name.len, buf, (uint32_t)cap);
}

/* Getter of a header of the request. The values of a repeated header are joined by ", ". It works in
   on_connect only. */
static inline int32_t azu_header(azu_conn conn, azu_str name, char *buf, size_t cap) {
  return azu_raw_header(conn, name.data, (uint32_t)name.len, buf, (uint32_t)cap);
}

/* Getter of the IP address of the client, without the port. */
static inline int32_t azu_remote_addr(azu_conn conn, char *buf, size_t cap) {
  return azu_raw_remote_addr(conn, buf, (uint32_t)cap);
}

/* Getter of the agreed subprotocol: empty if there is none. */
static inline int32_t azu_subprotocol(azu_conn conn, char *buf, size_t cap) {
  return azu_raw_subprotocol(conn, buf, (uint32_t)cap);
}

/* Getter of the claims of the connection's verified token, as JSON. Returns AZU_NOT_FOUND if there is
   no token. */
static inline int32_t azu_claims(azu_conn conn, char *buf, size_t cap) {
  return azu_raw_claims(conn, buf, (uint32_t)cap);
}

/* ---- State in the host, shared by all instances and versions of the plugin ---- */

/* Getter of a value of a connection. */
static inline int32_t azu_value_get(azu_conn conn, azu_str key, char *buf, size_t cap) {
  return azu_raw_value_get(conn, key.data, (uint32_t)key.len, buf, (uint32_t)cap);
}

/* Sets a value of a connection, for the life of the connection. */
static inline int32_t azu_value_set(azu_conn conn, azu_str key, azu_str value) {
  return azu_raw_value_set(conn, key.data, (uint32_t)key.len, value.data, (uint32_t)value.len);
}

/* Deletes a value of a connection. Returns AZU_NOT_FOUND if there is none. */
static inline int32_t azu_value_delete(azu_conn conn, azu_str key) {
  return azu_raw_value_delete(conn, key.data, (uint32_t)key.len);
}

/* Getter of a value of the channel's store. */
static inline int32_t azu_store_get(azu_str key, char *buf, size_t cap) {
  return azu_raw_store_get(key.data, (uint32_t)key.len, buf, (uint32_t)cap);
}

/* Sets a value of the store for ttl_ms milliseconds, or without end if ttl_ms is 0. */
static inline int32_t azu_store_set(azu_str key, azu_str value, int64_t ttl_ms) {
  return azu_raw_store_set(key.data, (uint32_t)key.len, value.data, (uint32_t)value.len, ttl_ms);
}

/* Deletes a value of the store. Returns AZU_NOT_FOUND if there is none. */
static inline int32_t azu_store_delete(azu_str key) { return azu_raw_store_delete(key.data, (uint32_t)key.len); }

/* Adds delta to a decimal number in the store, and writes the sum to *sum. A key without a value
   counts as 0. ttl_ms counts from the creation of the value; 0 is without end. */
static inline int32_t azu_store_add(azu_str key, int64_t delta, int64_t ttl_ms, int64_t *sum) {
  return azu_raw_store_add(key.data, (uint32_t)key.len, delta, ttl_ms, sum);
}

/* ---- Timers, log, metrics, time ---- */

/* Sets a timer: the host calls on_timer once, after_ms milliseconds from now. A timer with the same
   name is replaced. The timer ends with its connection; AZU_NOBODY sets a timer of the channel. */
static inline int32_t azu_timer_set(azu_conn conn, azu_str name, int64_t after_ms) {
  return azu_raw_timer_set(conn, name.data, (uint32_t)name.len, after_ms);
}

/* Clears a timer. Returns AZU_NOT_FOUND if there is none. */
static inline int32_t azu_timer_clear(azu_conn conn, azu_str name) {
  return azu_raw_timer_clear(conn, name.data, (uint32_t)name.len);
}

typedef enum { AZU_DEBUG = 0, AZU_INFO = 1, AZU_WARN = 2, AZU_ERROR = 3 } azu_level;

/* Writes a line to the log of the host at once, even if the hook fails later. */
static inline int32_t azu_log(azu_level level, azu_str text) {
  return azu_raw_log(level, text.data, (uint32_t)text.len);
}

/* Adds to a metric of the plugin that only grows. Labels are "name=value", joined by '\n'. Every
   combination of labels is a series, and the host limits the number of series: labels should not
   contain names of rooms or users. */
static inline int32_t azu_counter_add(azu_str name, double value, azu_str labels) {
  return azu_raw_metric(0, name.data, (uint32_t)name.len, labels.data, (uint32_t)labels.len, value);
}

/* Sets a metric of the plugin that goes up and down. */
static inline int32_t azu_gauge_set(azu_str name, double value, azu_str labels) {
  return azu_raw_metric(1, name.data, (uint32_t)name.len, labels.data, (uint32_t)labels.len, value);
}

/* Adds an observation to a histogram of the plugin. */
static inline int32_t azu_histogram_observe(azu_str name, double value, azu_str labels) {
  return azu_raw_metric(2, name.data, (uint32_t)name.len, labels.data, (uint32_t)labels.len, value);
}

/* Returns the time of the host in nanoseconds since 1970, UTC. */
static inline int64_t azu_now(void) { return azu_raw_now(); }

/* ---- Hooks ---- */

#ifdef __cplusplus
#define AZU_C extern "C"
#else
#define AZU_C
#endif

/* Exports a function to the host. */
#define AZU_EXPORT(name) AZU_C __attribute__((export_name(#name)))

#define AZU_UNUSED __attribute__((unused))

/* The inbox, the memory for larger events, and azu_v1. They are weak, so that all files of a program
   that include this header share one copy. */
struct azu_large_event {
  void *data;
  uint32_t cap;
};
__attribute__((weak)) unsigned char azu_inbox[AZU_INBOX_SIZE];
__attribute__((weak)) struct azu_large_event azu_large;

AZU_C __attribute__((weak, export_name("azu_v1"))) uint64_t azu_v1(void) {
  return (uint64_t)(uintptr_t)azu_inbox << 32 | AZU_INBOX_SIZE;
}

/* Returns the bytes of an event. They are valid until the hook returns. Reads an event larger than the
   inbox into memory that is kept for the next one. Traps if there is no memory. */
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

/* Returns the bytes of an event after its nth newline. */
static inline azu_str azu_part(uint32_t len, int n) {
  azu_str rest = azu_event(len);
  while (n-- > 0) azu_cut(&rest, '\n');
  return rest;
}

/* Returns the nth line of an event, counted from 0. */
static inline azu_str azu_line(uint32_t len, int n) {
  azu_str rest = azu_part(len, n);
  return azu_cut(&rest, '\n');
}

/* Makes the message of an event. */
static inline azu_message azu_received(int32_t kind, azu_str data) {
  azu_message m = {kind == AZU_TEXT ? AZU_TEXT : AZU_BINARY, data};
  return m;
}

/* Each macro below begins the definition of a hook, a function that returns int32_t:

     AZU_ON_CONNECT(conn, target) { return azu_join(conn, AZU_STR("lobby")); } */

/* Runs before a connection is upgraded. 0 accepts the connection; azu_refuse and azu_refuse_close
   refuse it. The target is the path and the query, as the client sent them. Messages to the
   connection are sent after the upgrade. */
#define AZU_ON_CONNECT(conn, target)                                                     \
  static int32_t azu_on_connect(azu_conn conn, azu_str target);                          \
  AZU_EXPORT(on_connect) int32_t azu_export_on_connect(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_connect(azu_c, azu_event(azu_n));                                      \
  }                                                                                      \
  static int32_t azu_on_connect(azu_conn conn AZU_UNUSED, azu_str target AZU_UNUSED)

/* Handles a message of a connection. */
#define AZU_ON_MESSAGE(conn, message)                                                                   \
  static int32_t azu_on_message(azu_conn conn, azu_message message);                                    \
  AZU_EXPORT(on_message) int32_t azu_export_on_message(uint64_t azu_c, uint32_t azu_n, int32_t azu_k) { \
    return azu_on_message(azu_c, azu_received(azu_k, azu_event(azu_n)));                                \
  }                                                                                                     \
  static int32_t azu_on_message(azu_conn conn AZU_UNUSED, azu_message message AZU_UNUSED)

/* Runs exactly once for every accepted connection, whatever ended it. The code is 1006 if the
   connection ended without one. The connection has left its rooms. azu_rooms and azu_user still
   return its last rooms and user. */
#define AZU_ON_CLOSE(conn, code, reason)                                                            \
  static int32_t azu_on_close(azu_conn conn, int32_t code, azu_str reason);                         \
  AZU_EXPORT(on_close) int32_t azu_export_on_close(uint64_t azu_c, uint32_t azu_n, int32_t azu_k) { \
    return azu_on_close(azu_c, azu_k, azu_event(azu_n));                                            \
  }                                                                                                 \
  static int32_t azu_on_close(azu_conn conn AZU_UNUSED, int32_t code AZU_UNUSED, azu_str reason AZU_UNUSED)

/* Receives the config of the route as JSON. Runs once in every new instance, before its first event.
   Its effects happen in the first instance of a version only. */
#define AZU_ON_LOAD(config)                                        \
  static int32_t azu_on_load(azu_str config);                      \
  AZU_EXPORT(on_load) int32_t azu_export_on_load(uint32_t azu_n) { \
    return azu_on_load(azu_event(azu_n));                          \
  }                                                                \
  static int32_t azu_on_load(azu_str config AZU_UNUSED)

/* Runs when a timer is due. conn is AZU_NOBODY for a timer of the channel. */
#define AZU_ON_TIMER(conn, name)                                                     \
  static int32_t azu_on_timer(azu_conn conn, azu_str name);                          \
  AZU_EXPORT(on_timer) int32_t azu_export_on_timer(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_timer(azu_c, azu_event(azu_n));                                    \
  }                                                                                  \
  static int32_t azu_on_timer(azu_conn conn AZU_UNUSED, azu_str name AZU_UNUSED)

/* Receives the payload of a ping. The host has answered the ping. This hook and those below cost a
   call for each event, so a plugin should define only those that it needs. */
#define AZU_ON_PING(conn, payload)                                                 \
  static int32_t azu_on_ping(azu_conn conn, azu_str payload);                      \
  AZU_EXPORT(on_ping) int32_t azu_export_on_ping(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_ping(azu_c, azu_event(azu_n));                                   \
  }                                                                                \
  static int32_t azu_on_ping(azu_conn conn AZU_UNUSED, azu_str payload AZU_UNUSED)

/* Receives the payload of a pong. */
#define AZU_ON_PONG(conn, payload)                                                 \
  static int32_t azu_on_pong(azu_conn conn, azu_str payload);                      \
  AZU_EXPORT(on_pong) int32_t azu_export_on_pong(uint64_t azu_c, uint32_t azu_n) { \
    return azu_on_pong(azu_c, azu_event(azu_n));                                   \
  }                                                                                \
  static int32_t azu_on_pong(azu_conn conn AZU_UNUSED, azu_str payload AZU_UNUSED)

/* Runs when a user became present in a room (joined is true) or stopped being present. The room is
   empty for the channel. */
#define AZU_ON_PRESENCE(room, user, joined)                                               \
  static int32_t azu_on_presence(azu_str room, azu_str user, bool joined);                \
  AZU_EXPORT(on_presence) int32_t azu_export_on_presence(uint32_t azu_n, int32_t azu_k) { \
    return azu_on_presence(azu_line(azu_n, 0), azu_line(azu_n, 1), azu_k == 1);           \
  }                                                                                       \
  static int32_t azu_on_presence(azu_str room AZU_UNUSED, azu_str user AZU_UNUSED, bool joined AZU_UNUSED)

/* Receives a message that was published by the HTTP API, the command or the program that embeds the
   host. to is "room", "user" or "all"; name is the name of the room or user, and empty for all. The
   host does not deliver the message: the hook sends it, for example with azu_pass, or refuses it
   with azu_refuse. */
#define AZU_ON_PUBLISH(to, name, message)                                                                   \
  static int32_t azu_on_publish(azu_str to, azu_str name, azu_message message);                             \
  AZU_EXPORT(on_publish) int32_t azu_export_on_publish(uint32_t azu_n, int32_t azu_k) {                     \
    return azu_on_publish(azu_line(azu_n, 0), azu_line(azu_n, 1), azu_received(azu_k, azu_part(azu_n, 2))); \
  }                                                                                                         \
  static int32_t azu_on_publish(azu_str to AZU_UNUSED, azu_str name AZU_UNUSED, azu_message message AZU_UNUSED)

#endif
