// Frames of the site link from arbitrary bytes; what was read is written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/link_frame.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace wire = fp::wire;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto head = wire::decode_link_frame_head(bytes);
  if (!head || !*head) return 0;
  const std::string_view payload = bytes.substr(wire::kLinkFrameHeadBytes, (*head)->bytes);
  bool same = true;
  switch ((*head)->kind) {
    case wire::LinkFrameKind::hello:
      if (const auto v = wire::decode_link_hello(payload)) same = wire::decode_link_hello(wire::encode_link_hello(*v)).has_value();
      break;
    case wire::LinkFrameKind::request:
      if (const auto v = wire::decode_link_request(payload)) same = wire::encode_link_request(*v) == payload;
      break;
    case wire::LinkFrameKind::reply:
      if (const auto v = wire::decode_link_reply(payload)) same = wire::encode_link_reply(*v) == payload;
      break;
    case wire::LinkFrameKind::credit:
      if (const auto v = wire::decode_link_credit(payload)) same = wire::encode_link_credit(*v) == payload;
      break;
    default:
      break;
  }
  if (!same) __builtin_trap();
  return 0;
}
