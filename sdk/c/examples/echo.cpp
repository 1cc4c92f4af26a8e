// Echo sends every message back.
#include "azuhost.hpp"

struct echo {
  azu::result on_message(azu::conn conn, azu::message message) { return conn.send(message); }
};

AZU_REGISTER(echo);
