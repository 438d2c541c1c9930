// A Response to bytes on a Stream: head, memory and file segments. Runs on the stream's event loop; file pages that are not in
// memory are read on the readers' pool first, never faulted on the loop. Library files must not shrink while they are sent:
// one that did ends the connection.
#pragma once
#include <string>

#include "net/http.hpp"
#include "net/io.hpp"

namespace fp::net {

struct WriteOptions {
  bool head_only = false;   // the request was HEAD
  bool keep_alive = true;
  bool http11 = true;
};

// The status line and headers, with Content-Length, Date, Server and Connection.
[[nodiscard]] std::string render_head(const Response& response, const WriteOptions& options, std::string_view date,
                                      std::string_view server_name);

// False: the connection cannot be used any further.
[[nodiscard]] Task<bool> write_response(Stream& stream, IoThread& loop, const Response& response, const WriteOptions& options);

}  // namespace fp::net
