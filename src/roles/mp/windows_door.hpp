// Who comes to the _windowsauth doors. Pool threads; one request of a connection at a time. A step of a login costs what
// directory/windows_login.hpp says. Never: a login without the door being open.
#pragma once
#include <optional>
#include <string>

#include "directory/windows_login.hpp"
#include "domain/access/routes.hpp"
#include "net/http.hpp"

namespace fp::mp {

struct Context;

struct WindowsEntry {
  std::optional<directory::LoggedIn> login;
  std::string reply;                    // WWW-Authenticate of the response, where the last step of a login has one
  std::optional<net::Response> answer;  // instead of a login: the next challenge, or the refusal
};

[[nodiscard]] bool is_windows_door(const access::Route& route, Door door);
// Switched on at this door and, for clients on the internet, some client settings let users have policy there.
[[nodiscard]] bool windows_door_is_open(Context& context, Door door);
[[nodiscard]] WindowsEntry enter_windows_door(Context& context, const net::Request& request);

}  // namespace fp::mp
