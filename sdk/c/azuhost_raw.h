/* The imports of the host functions in sdk/ABI.md. azuhost.h wraps them. */
#ifndef AZUHOST_RAW_H
#define AZUHOST_RAW_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AZU_IMPORT(name) __attribute__((import_module("azu"), import_name(#name)))

AZU_IMPORT(send) int32_t azu_raw_send(uint64_t conn, int32_t kind, const void *data_ptr, uint32_t data_len);
AZU_IMPORT(broadcast) int32_t azu_raw_broadcast(const void *room_ptr, uint32_t room_len, int32_t kind, const void *data_ptr, uint32_t data_len, uint64_t except);
AZU_IMPORT(broadcast_all) int32_t azu_raw_broadcast_all(int32_t kind, const void *data_ptr, uint32_t data_len, uint64_t except);
AZU_IMPORT(send_user) int32_t azu_raw_send_user(const void *user_ptr, uint32_t user_len, int32_t kind, const void *data_ptr, uint32_t data_len);
AZU_IMPORT(send_users) int32_t azu_raw_send_users(const void *users_ptr, uint32_t users_len, int32_t kind, const void *data_ptr, uint32_t data_len);
AZU_IMPORT(close) int32_t azu_raw_close(uint64_t conn, int32_t code, const void *reason_ptr, uint32_t reason_len);

AZU_IMPORT(join) int32_t azu_raw_join(uint64_t conn, const void *room_ptr, uint32_t room_len);
AZU_IMPORT(leave) int32_t azu_raw_leave(uint64_t conn, const void *room_ptr, uint32_t room_len);
AZU_IMPORT(room_size) int32_t azu_raw_room_size(const void *room_ptr, uint32_t room_len);
AZU_IMPORT(room_members) int32_t azu_raw_room_members(const void *room_ptr, uint32_t room_len, void *buf, uint32_t cap);
AZU_IMPORT(room_users) int32_t azu_raw_room_users(const void *room_ptr, uint32_t room_len, void *buf, uint32_t cap);
AZU_IMPORT(rooms) int32_t azu_raw_rooms(uint64_t conn, void *buf, uint32_t cap);

AZU_IMPORT(identify) int32_t azu_raw_identify(uint64_t conn, const void *user_ptr, uint32_t user_len);
AZU_IMPORT(user) int32_t azu_raw_user(uint64_t conn, void *buf, uint32_t cap);
AZU_IMPORT(online) int32_t azu_raw_online(const void *user_ptr, uint32_t user_len);
AZU_IMPORT(users) int32_t azu_raw_users(void *buf, uint32_t cap);

AZU_IMPORT(param) int32_t azu_raw_param(uint64_t conn, const void *name_ptr, uint32_t name_len, void *buf, uint32_t cap);
AZU_IMPORT(query) int32_t azu_raw_query(uint64_t conn, const void *name_ptr, uint32_t name_len, void *buf, uint32_t cap);
AZU_IMPORT(header) int32_t azu_raw_header(uint64_t conn, const void *name_ptr, uint32_t name_len, void *buf, uint32_t cap);
AZU_IMPORT(remote_addr) int32_t azu_raw_remote_addr(uint64_t conn, void *buf, uint32_t cap);
AZU_IMPORT(subprotocol) int32_t azu_raw_subprotocol(uint64_t conn, void *buf, uint32_t cap);
AZU_IMPORT(claims) int32_t azu_raw_claims(uint64_t conn, void *buf, uint32_t cap);

AZU_IMPORT(value_get) int32_t azu_raw_value_get(uint64_t conn, const void *key_ptr, uint32_t key_len, void *buf, uint32_t cap);
AZU_IMPORT(value_set) int32_t azu_raw_value_set(uint64_t conn, const void *key_ptr, uint32_t key_len, const void *data_ptr, uint32_t data_len);
AZU_IMPORT(value_delete) int32_t azu_raw_value_delete(uint64_t conn, const void *key_ptr, uint32_t key_len);

AZU_IMPORT(store_get) int32_t azu_raw_store_get(const void *key_ptr, uint32_t key_len, void *buf, uint32_t cap);
AZU_IMPORT(store_set) int32_t azu_raw_store_set(const void *key_ptr, uint32_t key_len, const void *data_ptr, uint32_t data_len, int64_t ttl_ms);
AZU_IMPORT(store_delete) int32_t azu_raw_store_delete(const void *key_ptr, uint32_t key_len);
AZU_IMPORT(store_add) int32_t azu_raw_store_add(const void *key_ptr, uint32_t key_len, int64_t delta, int64_t ttl_ms, void *result);

AZU_IMPORT(timer_set) int32_t azu_raw_timer_set(uint64_t conn, const void *name_ptr, uint32_t name_len, int64_t after_ms);
AZU_IMPORT(timer_clear) int32_t azu_raw_timer_clear(uint64_t conn, const void *name_ptr, uint32_t name_len);

AZU_IMPORT(log) int32_t azu_raw_log(int32_t level, const void *text_ptr, uint32_t text_len);
AZU_IMPORT(metric) int32_t azu_raw_metric(int32_t op, const void *name_ptr, uint32_t name_len, const void *labels_ptr, uint32_t labels_len, double value);
AZU_IMPORT(now) int64_t azu_raw_now(void);
AZU_IMPORT(fail) int32_t azu_raw_fail(const void *text_ptr, uint32_t text_len);
AZU_IMPORT(read) int32_t azu_raw_read(void *ptr, uint32_t offset, uint32_t len);

#ifdef __cplusplus
}
#endif

#endif
