// Tells the service manager that started this process how far it is (sd_notify(3)): units of Type=notify are up only once the
// doors are open, and `systemctl start` returns then. Any thread; one datagram. Without a service manager it does nothing.
#pragma once
#include <string_view>

#include "base/result.hpp"

namespace fp::apps {

// "READY=1", "RELOADING=1", "STOPPING=1". Code::io: there is a manager and it could not be told.
[[nodiscard]] Status tell_service_manager(std::string_view state);

}  // namespace fp::apps
