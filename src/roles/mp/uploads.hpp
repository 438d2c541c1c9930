// Uploads of clients on disk (wire.md §10, docs/protocol/uploads.md): destinations, BITS sessions and finished files, in one
// folder that survives a restart and kill -9. Any thread; one lock for each session, held for the write of a fragment.
// Never: a path made from what a client sent (ids are GUIDs by then), or a finished file that is not complete.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "wire/bits.hpp"

namespace fp::mp {

inline constexpr std::int64_t kUploadLifeMs = std::int64_t{14} * 24 * 3600 * 1000;
inline constexpr int kUploadsOfOneOwnerMax = 16;

// Who may write to a destination. A TLS client is its certificate, one on intranet HTTP its address.
struct UploadOwner {
  std::string client_id;  // from a signed upload request; empty: nobody asked beforehand
  std::string peer;       // "tls:<fingerprint>", "ip:<address>", "proxy": any client behind the pinned proxy
};

class Uploads {
 public:
  Uploads(Path folder, std::int64_t bytes_max, const Clock& clock, Random& random);
  ~Uploads();

  // A destination for a client that asked by signed message. `bytes` 0: size not known yet.
  [[nodiscard]] Result<std::string> grant(const UploadOwner& owner, std::int64_t bytes);
  // Whether `peer` may write to the destination; an absent one is made for peers other than the proxy.
  [[nodiscard]] std::expected<void, wire::BitsError> admit(std::string_view destination, std::string_view peer);

  // One packet for a destination that admit() let through. Answers the next offset (fragment) or the session id (create).
  struct Answer {
    std::string session;
    std::int64_t next = 0;
    bool wrong_start = false;  // 416 with `next`
  };
  [[nodiscard]] std::expected<Answer, wire::BitsError> packet(std::string_view destination, const wire::BitsPacket& packet,
                                                              std::string_view bytes);

  // The finished file of a destination that belongs to the client (or to nobody, and was sent by this peer).
  // Code::not_found: no such upload or not complete; Code::forbidden: somebody else's.
  [[nodiscard]] Result<std::string> take(std::string_view destination, std::string_view client_id, std::string_view peer);
  [[nodiscard]] Status drop(std::string_view destination);
  [[nodiscard]] Status expire();  // everything without traffic for 14 days

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fp::mp
