// The read-only part of WebDAV that a distribution point speaks: PROPFIND (RFC 4918 §9.1, wire.md §11.4).
// Any thread; pure. Costs one XML parse (entities are never resolved, depth and nodes are capped). Never writes a
// property that the resource does not have: unknown ones are answered 404 one by one.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::size_t kPropfindBodyBytesMax = 64U << 10;
inline constexpr std::size_t kPropfindPropertiesMax = 100;
inline constexpr std::size_t kMultistatusResponsesMax = 200'000;

enum class DavDepth { zero, one, children, infinity };  // children: "1,noroot" ([MS-WDV] 2.2.2)
// Absent (empty) means one: proxies strip the header (design §7). Code::invalid for anything but 0, 1, infinity.
[[nodiscard]] Result<DavDepth> parse_depth(std::string_view header);

struct DavName {
  std::string space;  // namespace URI, "DAV:" for the live ones
  std::string name;
  bool operator==(const DavName&) const = default;
};
enum class PropfindKind { allprop, propname, prop };
struct PropfindRequest {
  PropfindKind kind = PropfindKind::allprop;
  std::vector<DavName> properties;  // prop: asked for; allprop: those of <include>
};
// An empty body is allprop. Code::invalid: not well-formed, not a propfind, a prefix without (or with an empty)
// namespace; Code::too_large: over the limits.
[[nodiscard]] Result<PropfindRequest> decode_propfind(std::string_view body);

struct DavResource {
  std::string href;  // absolute URL, percent-encoded, collections end in '/'
  std::string name;  // displayname, plain text
  bool collection = false;
  std::int64_t size_bytes = 0;
  Instant modified;
  std::string etag;  // with quotes; empty: none
};
// The resource that was asked for stands first in `resources`.
[[nodiscard]] std::string encode_multistatus(const PropfindRequest& request, const std::vector<DavResource>& resources);
// href as sent, name from displayname or else from the href's last part. For pull distribution points and the agent.
// Code::invalid: not a multistatus; Code::too_large: over limits.
[[nodiscard]] Result<std::vector<DavResource>> decode_multistatus(std::string_view xml);
// Body of the 403 for Depth: infinity.
[[nodiscard]] std::string propfind_finite_depth();

}  // namespace fp::wire
