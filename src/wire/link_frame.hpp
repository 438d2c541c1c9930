// The frames of the site link (docs/protocol/site-link.md): bytes to values and back. A request travels as what was decoded of it and
// what TLS proved about its sender; never as a finding of the other end, which the site makes again itself.
// Any thread; pure; costs a copy. Limits: limits::kLink*. Never: a decision about any of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/peer.hpp"

namespace fp::wire {

inline constexpr std::uint16_t kLinkVersion = 1;
inline constexpr std::size_t kLinkFrameHeadBytes = 9;

enum class LinkFrameKind : std::uint8_t { hello = 1, request = 2, reply = 3, data = 4, credit = 5, cancel = 6, ping = 7, pong = 8 };

struct LinkFrameHead {
  LinkFrameKind kind = LinkFrameKind::ping;
  std::uint32_t stream = 0;  // 0: the connection itself
  std::uint32_t bytes = 0;   // that follow
};
// The first kLinkFrameHeadBytes of `bytes`; nothing: more are needed. Code::invalid: an unknown kind, a stream where there must be
// none or the other way round; Code::too_large.
[[nodiscard]] Result<std::optional<LinkFrameHead>> decode_link_frame_head(std::string_view bytes);
[[nodiscard]] std::string encode_link_frame(LinkFrameKind kind, std::uint32_t stream, std::string_view payload);

// The first frame of each end.
struct LinkHello {
  std::uint16_t version = kLinkVersion;
  std::string site_code;        // of the site that this end belongs to
  std::string name;             // host name
  std::string certificate_der;  // that clients of this end see; empty: it has no clients
};
[[nodiscard]] std::string encode_link_hello(const LinkHello& hello);
[[nodiscard]] Result<LinkHello> decode_link_hello(std::string_view payload);

using LinkHeaders = std::vector<std::pair<std::string, std::string>>;

struct LinkRequest {
  std::string method, target;
  LinkHeaders headers;
  std::int64_t body_bytes = 0;  // in data frames
  Door door = Door::internet_https;
  std::string address;          // of the client
  std::uint16_t port = 0;
  std::string certificate_der;  // whose key TLS proved that the client has; empty: none
  std::vector<std::string> chain_der;
};
[[nodiscard]] std::string encode_link_request(const LinkRequest& request);
[[nodiscard]] Result<LinkRequest> decode_link_request(std::string_view payload);

struct LinkReply {
  int status = 200;
  std::string reason;
  LinkHeaders headers;
  std::int64_t body_bytes = 0;
  std::int64_t head_length = -1;  // of an answer to HEAD; -1: says nothing
};
[[nodiscard]] std::string encode_link_reply(const LinkReply& reply);
[[nodiscard]] Result<LinkReply> decode_link_reply(std::string_view payload);

[[nodiscard]] std::string encode_link_credit(std::uint32_t bytes);
[[nodiscard]] Result<std::uint32_t> decode_link_credit(std::string_view payload);  // at least 1

}  // namespace fp::wire
