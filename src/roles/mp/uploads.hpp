// Uploads of clients on disk (wire.md §10, docs/protocol/uploads.md): destinations, BITS sessions and
// finished files, in one folder that survives a restart, kill -9 and a power cut: a fragment is acknowledged
// when it and its offset are on the disk. Any thread; one lock for each destination, held for the write of a
// fragment. Never: a path made from what a client sent (names are GUIDs by then), or a finished file that is
// not complete.
#pragma once
#include <atomic>
#include <cstdint>
#include <expected>
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
inline constexpr int kUploadsOfOneClientMax = 16;  // that asked for its destinations
// Of a sender that did not ask. Many clients may stand behind one address; what they may write is bounded in bytes.
inline constexpr int kUploadsOfOnePeerMax = 256;
inline constexpr std::int64_t kUploadBytesOfOnePeerMax = 1 << 30;  // a quarter of what all may have
inline constexpr std::string_view kProxyPeer = "proxy";  // any client behind the pinned bridging proxy

class Uploads {
 public:
  // `bytes_max`: of everything in the folder; one sender has kUploadBytesOfOnePeerMax of it. An empty folder name: every packet is answered "switched off".
  Uploads(Path folder, std::int64_t bytes_max, const Clock& clock, Random& random);

  // A destination for a client that asked by signed message; the GUID, upper case. `peer`:
  // "tls:<fingerprint>" or "ip:<address>" or kProxyPeer. Code::unavailable: off, or too many of this client's
  // are open.
  [[nodiscard]] Result<std::string> grant(std::string_view client_id, std::string_view peer);

  struct Answer {
    std::string session;       // canonical; empty for a ping
    std::int64_t next = 0;     // fragment
    bool wrong_start = false;  // 416 with `next`
  };
  // One packet from `peer` for a destination (a GUID in canonical form). A destination that nobody asked for
  // is made by Create-Session for a peer that is not the proxy, and belongs to that peer.
  [[nodiscard]] std::expected<Answer, wire::BitsError> packet(std::string_view destination,
                                                              std::string_view peer,
                                                              const wire::BitsPacket& packet,
                                                              std::string_view bytes);

  // The finished file. Code::not_found: none, or not complete; Code::forbidden: another client's;
  // Code::too_large.
  [[nodiscard]] Result<std::string> take(std::string_view destination, std::string_view client_id,
                                         std::string_view peer, std::size_t bytes_max);
  [[nodiscard]] Status drop(std::string_view destination);
  [[nodiscard]] Status expire();  // everything without traffic for 14 days

 private:
  struct Entry {
    std::mutex lock;
    std::string client_id, peer, session;
    std::atomic<std::int64_t> total = -1;  // -1: no fragment yet. Atomic, for the sums over all entries
    std::atomic<std::int64_t> touched_ms = 0;
    std::int64_t received = 0;
    bool finished = false;
  };
  using Shared = std::shared_ptr<Entry>;
  using Outcome = std::expected<Answer, wire::BitsError>;

  void load();
  [[nodiscard]] Shared find(std::string_view destination);
  [[nodiscard]] std::expected<Shared, wire::BitsError> create_for(std::string_view destination,
                                                                  std::string_view peer);
  [[nodiscard]] Outcome start(std::string_view destination, Entry& entry);
  [[nodiscard]] Outcome fragment(std::string_view destination, Entry& entry, const wire::BitsPacket& packet,
                                 std::string_view bytes);
  [[nodiscard]] Outcome close(std::string_view destination, Entry& entry);
  [[nodiscard]] Status save(std::string_view destination, const Entry& entry, std::int64_t received) const;
  [[nodiscard]] std::int64_t reserved() const;  // lock_ is held
  [[nodiscard]] std::int64_t reserved_by(const Entry& owner) const;  // lock_ is held
  [[nodiscard]] int open_of(std::string_view client_id, std::string_view peer) const;
  [[nodiscard]] Path dir(std::string_view destination) const { return folder_ / std::string(destination); }

  Path folder_;
  std::int64_t bytes_max_;
  const Clock& clock_;
  Random& random_;
  std::mutex lock_;
  std::map<std::string, Shared, std::less<>> entries_;
};

}  // namespace fp::mp
