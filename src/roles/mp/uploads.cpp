#include "roles/mp/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace fp::mp {
namespace {

constexpr std::string_view kRecord = "record", kPart = "part", kData = "data";

// Writes at an offset and syncs; errno says why it failed.
bool write_at(const Path& path, std::int64_t offset, std::string_view bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.ok()) return false;
  // What lies behind the acknowledged offset may be half a fragment of before a crash.
  if (::ftruncate(fd.get(), offset) != 0) return false;
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd.get(), bytes.data(), bytes.size(), offset);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    offset += wrote;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return ::fdatasync(fd.get()) == 0;
}

wire::BitsError disk_error(const Error& error) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  log::error("mp.upload", "cannot write an upload: {}", error.message);
  return full ? wire::bits_disk_full() : wire::BitsError{500, 0x80070112, 0x5, error.message};
}

}  // namespace

Uploads::Uploads(Path folder, std::int64_t bytes_max, const Clock& clock, Random& random)
    : folder_(std::move(folder)), bytes_max_(bytes_max), clock_(clock), random_(random) {
  if (!folder_.empty()) load();
}

void Uploads::load() {
  if (const auto made = make_dirs(folder_, 0700); !made) {
    log::error("mp.upload", "uploads are off: {}", made.error().message);
    folder_.clear();
    return;
  }
  std::error_code failed;
  for (const auto& item : std::filesystem::directory_iterator(folder_, failed)) {
    const std::string name = item.path().filename().string();
    const auto id = parse_guid(name);
    const auto text = id ? read_file(item.path() / kRecord, 4096) : Result<std::string>(std::string());
    if (!id || *id != name) continue;
    if (!text) {  // a power cut between folder and record: nothing of it was acknowledged
      if (!file_exists(item.path() / kRecord)) (void)remove_tree(item.path());
      continue;
    }
    auto entry = std::make_shared<Entry>();
    for (const std::string_view line : split(*text, '\n')) {
      const std::size_t space = line.find(' ');
      if (space == std::string_view::npos) continue;
      const std::string_view key = line.substr(0, space), value = line.substr(space + 1);
      const std::int64_t number = parse_int(value).value_or(0);
      if (key == "client") entry->client_id = value;
      if (key == "peer") entry->peer = value;
      if (key == "session") entry->session = value;
      if (key == "total") entry->total = number;
      if (key == "received") entry->received = number;
      if (key == "touched") entry->touched_ms = number;
    }
    entry->finished = file_exists(item.path() / kData);
    entries_.emplace(name, std::move(entry));
  }
}

Status Uploads::save(std::string_view destination, const Entry& entry, std::int64_t received) const {
  return write_file(
      dir(destination) / kRecord,
      fmt::format("client {}\npeer {}\nsession {}\ntotal {}\nreceived {}\ntouched {}\n", entry.client_id,
                  entry.peer, entry.session, entry.total.load(), received, entry.touched_ms.load()),
      0600);
}

std::int64_t Uploads::reserved() const {
  std::int64_t sum = 0;
  for (const auto& [name, entry] : entries_) sum += std::max<std::int64_t>(entry->total.load(), 0);
  return sum;
}

std::int64_t Uploads::reserved_by(const Entry& owner) const {
  std::int64_t sum = 0;
  for (const auto& [name, entry] : entries_)
    if (owner.client_id.empty() ? entry->peer == owner.peer : entry->client_id == owner.client_id)
      sum += std::max<std::int64_t>(entry->total.load(), 0);
  return sum;
}

int Uploads::open_of(std::string_view client_id, std::string_view peer) const {
  int count = 0;
  for (const auto& [name, entry] : entries_)
    if (client_id.empty() ? entry->peer == peer : entry->client_id == client_id) ++count;
  return count;
}

Uploads::Shared Uploads::find(std::string_view destination) {
  const std::lock_guard guard(lock_);
  const auto it = entries_.find(destination);
  return it == entries_.end() ? nullptr : it->second;
}

Result<std::string> Uploads::grant(std::string_view client_id, std::string_view peer) {
  if (folder_.empty()) return fail(Code::unavailable, "uploads are off");
  const std::lock_guard guard(lock_);
  if (open_of(client_id, peer) >= kUploadsOfOneClientMax)
    return fail(Code::unavailable, "{} uploads of this client are open", kUploadsOfOneClientMax);
  const std::string id = new_guid(random_);
  auto entry = std::make_shared<Entry>();
  entry->client_id = client_id;
  entry->peer = peer;
  entry->touched_ms = clock_.now().ms;
  FP_CHECK(make_dirs(dir(id), 0700));
  FP_CHECK(save(id, *entry, 0));
  entries_.emplace(id, std::move(entry));
  return id;
}

std::expected<Uploads::Shared, wire::BitsError> Uploads::create_for(std::string_view destination,
                                                                    std::string_view peer) {
  if (peer == kProxyPeer)
    return std::unexpected(
        wire::bits_access_denied("through a bridge only a destination that was asked for is written"));
  const std::lock_guard guard(lock_);
  if (const auto it = entries_.find(destination); it != entries_.end()) return it->second;
  if (open_of({}, peer) >= kUploadsOfOnePeerMax)
    return std::unexpected(
        wire::bits_access_denied(fmt::format("{} uploads of this sender are open", kUploadsOfOnePeerMax)));
  auto entry = std::make_shared<Entry>();
  entry->peer = peer;
  entry->touched_ms = clock_.now().ms;
  if (const auto made = make_dirs(dir(destination), 0700); !made)
    return std::unexpected(disk_error(made.error()));
  entries_.emplace(std::string(destination), entry);
  return entry;
}

Uploads::Outcome Uploads::packet(std::string_view destination, std::string_view peer,
                                 const wire::BitsPacket& packet, std::string_view bytes) {
  using wire::BitsKind;
  if (folder_.empty()) return std::unexpected(wire::bits_switched_off());
  if (packet.kind == BitsKind::ping) return Answer{.session = packet.session};
  Shared entry = find(destination);
  if (!entry) {
    if (packet.kind != BitsKind::create) return std::unexpected(wire::bits_unknown_session());
    auto made = create_for(destination, peer);
    if (!made) return std::unexpected(made.error());
    entry = *made;
  }
  const std::lock_guard guard(entry->lock);
  // A destination that was asked for has an unguessable name; only a TLS client that asked is held to its
  // certificate.
  const bool asked = !entry->client_id.empty();
  const bool open_name = asked && (peer == kProxyPeer || !entry->peer.starts_with("tls:"));
  if (entry->peer != peer && !open_name)
    return std::unexpected(wire::bits_access_denied("the destination belongs to another sender"));
  if (packet.kind == BitsKind::create) return start(destination, *entry);
  if (entry->session.empty() || entry->session != packet.session)
    return std::unexpected(wire::bits_unknown_session());
  // With Close the session is over ([MC-BUP] 3.2.5.2.3): only that Close itself may be repeated.
  if (entry->finished && packet.kind != BitsKind::close) return std::unexpected(wire::bits_unknown_session());
  if (packet.kind == BitsKind::fragment) return fragment(destination, *entry, packet, bytes);
  if (packet.kind == BitsKind::close) return close(destination, *entry);
  const std::string session = entry->session;
  entry->session.clear();
  if (const auto gone = drop(destination); !gone) return std::unexpected(disk_error(gone.error()));
  return Answer{.session = session};
}

Uploads::Outcome Uploads::start(std::string_view destination, Entry& entry) {
  if (entry.finished)
    return std::unexpected(wire::bits_access_denied("the destination exists and is not overwritten"));
  entry.session = new_guid(random_);
  entry.total = -1;
  entry.received = 0;
  entry.touched_ms = clock_.now().ms;
  if (const auto saved = save(destination, entry, 0); !saved)
    return std::unexpected(disk_error(saved.error()));
  return Answer{.session = entry.session};
}

Uploads::Outcome Uploads::fragment(std::string_view destination, Entry& entry, const wire::BitsPacket& packet,
                                   std::string_view bytes) {
  if (bytes.size() > limits::kBitsFragmentBytesMax) return std::unexpected(wire::bits_fragment_too_large());
  if (packet.total > static_cast<std::int64_t>(limits::kUploadBytesMax))
    return std::unexpected(wire::bits_too_large());
  if (entry.total >= 0 && entry.total != packet.total)
    return std::unexpected(wire::bits_bad_argument("the total size changed within a session"));
  if (packet.first != entry.received)
    return Answer{.session = entry.session, .next = entry.received, .wrong_start = true};
  if (entry.total < 0) {
    const std::lock_guard guard(lock_);
    if (reserved() + packet.total > bytes_max_) return std::unexpected(wire::bits_disk_full());
    if (reserved_by(entry) + packet.total > kUploadBytesOfOnePeerMax) {
      wire::BitsError full = wire::bits_disk_full();
      full.reason = fmt::format("the uploads of this sender may hold {} bytes", kUploadBytesOfOnePeerMax);
      return std::unexpected(full);
    }
    entry.total = packet.total;
  }
  errno = 0;
  if (!write_at(dir(destination) / kPart, entry.received, bytes))
    return std::unexpected(disk_error(fail_errno("writing a fragment", std::string(destination)).error()));
  entry.touched_ms = clock_.now().ms;
  errno = 0;
  if (const auto saved = save(destination, entry, packet.last + 1); !saved)
    return std::unexpected(disk_error(saved.error()));
  entry.received = packet.last + 1;
  return Answer{.session = entry.session, .next = entry.received};
}

Uploads::Outcome Uploads::close(std::string_view destination, Entry& entry) {
  if (entry.finished)
    return Answer{.session = entry.session};  // the acknowledgement was lost: the same again
  if (entry.total >= 0 && entry.received != entry.total)
    return std::unexpected(wire::bits_bad_argument("the session is closed before its last fragment"));
  if (entry.total < 0) {  // no fragment: an empty entity
    if (const auto made = write_file(dir(destination) / kPart, ""); !made) return std::unexpected(disk_error(made.error()));
    entry.total = 0;
  }
  if (!file_exists(dir(destination) / kPart)) return std::unexpected(wire::bits_gone());
  if (const auto moved = rename_durable(dir(destination) / kPart, dir(destination) / kData); !moved)
    return std::unexpected(disk_error(moved.error()));
  entry.finished = true;
  return Answer{.session = entry.session};
}

Result<std::string> Uploads::take(std::string_view destination, std::string_view client_id,
                                  std::string_view peer, std::size_t bytes_max) {
  const Shared entry = find(destination);
  if (!entry) return fail(Code::not_found, "no upload of that name");
  const std::lock_guard guard(entry->lock);
  const bool owner = entry->client_id.empty() ? entry->peer == peer : entry->client_id == client_id;
  if (!owner) return fail(Code::forbidden, "the upload belongs to another client");
  if (!entry->finished) return fail(Code::not_found, "the upload is not complete");
  return read_file(dir(destination) / kData, bytes_max);
}

Status Uploads::drop(std::string_view destination) {
  {
    const std::lock_guard guard(lock_);
    const auto it = entries_.find(destination);
    if (it == entries_.end()) return {};
    entries_.erase(it);
  }
  return remove_tree(dir(destination));
}

Status Uploads::expire() {
  std::vector<std::string> old;
  const Instant now = clock_.now();
  {
    const std::lock_guard guard(lock_);
    for (const auto& [name, entry] : entries_)
      if (now.since_ms({entry->touched_ms.load()}) > kUploadLifeMs) old.push_back(name);
  }
  for (const std::string& name : old) {
    log::info("mp.upload", "upload {} ended: no traffic for 14 days", name);
    FP_CHECK(drop(name));
  }
  return {};
}

}  // namespace fp::mp
