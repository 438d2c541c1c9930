// The HTTP side of a resource: GET, HEAD, ranges, conditions, PROPFIND, the HTML page (wire.md §11.2, §11.4, §11.5).
// Any thread. Bodies of library files are slices of the file; nothing is copied.
#pragma once
#include <string>

#include "content/library.hpp"
#include "net/http.hpp"
#include "roles/dp/tree.hpp"

namespace fp::dp {

// `url`: absolute URL of the resource as the client asked for it, percent-encoded, without a slash at its end.
[[nodiscard]] net::Response serve_bytes(const net::Request& request, const content::Library& library, const Resource& resource);
[[nodiscard]] net::Response serve_opened(const net::Request& request, const Resource& resource, const content::OpenFile& file);
[[nodiscard]] net::Response serve_page(const net::Request& request, const std::string& url, const Resource& folder);
[[nodiscard]] net::Response serve_propfind(const net::Request& request, const std::string& url, const Resource& resource);

}  // namespace fp::dp
