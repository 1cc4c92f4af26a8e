/* Echo sends every message back. */
#include "azuhost.h"

AZU_ON_MESSAGE(conn, message) { return azu_send(conn, message); }
