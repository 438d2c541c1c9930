#include "roles/fsp/spool.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace fp::fsp {
namespace {

constexpr std::size_t kPlaceDigits = 20, kIdDigits = 32;
constexpr std::string_view kEnd = ".json";
constexpr std::size_t kFileBytesMax = 4 * limits::kFallbackBodyBytesMax;

struct Name {
  std::int64_t place = 0;
  std::string id;
};

// "00000000000000000007-<32 hex digits>.json"
Result<Name> parse_file_name(std::string_view text) {
  if (text.size() != kPlaceDigits + 1 + kIdDigits + kEnd.size() || text[kPlaceDigits] != '-' || !text.ends_with(kEnd))
    return fail(Code::invalid, "not a message of the spool");
  FP_TRY(place, parse_int(text.substr(0, kPlaceDigits)));
  return Name{place, std::string(text.substr(kPlaceDigits + 1, kIdDigits))};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(const Path& folder, const SpoolLimits& limits) {
  FP_CHECK(make_dirs(folder, 0700));
  std::unique_ptr<Spool> spool(new Spool(folder, limits));
  FP_CHECK(spool->scan());
  return spool;
}

Status Spool::scan() {
  std::error_code error;
  std::vector<Path> half_written;
  for (const auto& file : std::filesystem::directory_iterator(folder_, error)) {
    const std::string text = file.path().filename().native();
    const auto name = parse_file_name(text);
    if (!name) {
      if (text.find(".json.") != std::string::npos && !text.ends_with(".damaged")) half_written.push_back(file.path());
      continue;
    }
    FP_TRY(size, size_of_file(file.path()));
    entries_[name->place] = {name->id, size, true};
    places_[name->id] = name->place;
    bytes_ += size;
    next_ = std::max(next_, name->place + 1);
  }
  if (error) return fail(Code::io, "reading the spool {}: {}", folder_.native(), error.message());
  for (const auto& file : half_written) FP_CHECK(remove_tree(file));
  return {};
}

Path Spool::file_of(std::int64_t place, std::string_view id) const { return folder_ / fmt::format("{:020}-{}{}", place, id, kEnd); }

void Spool::forget(std::int64_t place) {
  const auto found = entries_.find(place);
  if (found == entries_.end()) return;
  bytes_ -= found->second.bytes;
  places_.erase(found->second.id);
  entries_.erase(found);
}

Status Spool::add(const wire::SpooledMessage& message) {
  const std::string text = wire::encode_spooled(message);
  const auto size = static_cast<std::int64_t>(text.size());
  std::int64_t place = 0;
  {
    std::lock_guard lock(mutex_);
    if (static_cast<std::int64_t>(entries_.size()) >= limits_.messages_max)
      return fail(Code::unavailable, "the spool is full: {} messages wait for the site", entries_.size());
    if (bytes_ + size > limits_.bytes_max)
      return fail(Code::unavailable, "the spool is full: {} bytes wait for the site", bytes_);
    place = next_++;
    entries_[place] = {message.id, size, false};  // its room is taken before the disk is asked
    places_[message.id] = place;
    bytes_ += size;
  }
  const Status written = write_file(file_of(place, message.id), text, 0600);
  std::lock_guard lock(mutex_);
  if (written) entries_[place].whole = true;
  else forget(place);
  return written;
}

std::vector<wire::SpooledMessage> Spool::oldest() {
  std::vector<Name> names;
  {
    std::lock_guard lock(mutex_);
    std::int64_t sum = 0;
    for (const auto& [place, entry] : entries_) {
      if (!entry.whole) continue;
      sum += entry.bytes;
      if (names.size() >= limits::kFallbackBatchMax || (!names.empty() && sum > static_cast<std::int64_t>(limits::kFallbackBatchBytesMax)))
        break;
      names.push_back({place, entry.id});
    }
  }
  std::vector<wire::SpooledMessage> out;
  for (const auto& [place, id] : names) {
    const Path file = file_of(place, id);
    auto text = read_file(file, kFileBytesMax);
    auto message = text ? wire::decode_spooled(*text) : Result<wire::SpooledMessage>(std::unexpected(text.error()));
    if (message && message->id == id) {
      out.push_back(std::move(*message));
      continue;
    }
    log::error("fsp", "{} cannot be read and is put aside: {}", file.native(), message ? "another id" : message.error().message);
    if (const Status aside = rename_durable(file, file.native() + ".damaged"); !aside) log::error("fsp", "{}", aside.error().message);
    std::lock_guard lock(mutex_);
    forget(place);
  }
  return out;
}

Status Spool::remove(const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    std::int64_t place = 0;
    {
      std::lock_guard lock(mutex_);
      const auto found = places_.find(id);
      if (found == places_.end()) continue;
      place = found->second;
    }
    FP_CHECK(remove_tree(file_of(place, id)));
    std::lock_guard lock(mutex_);
    forget(place);
  }
  return sync_dir(folder_);
}

std::int64_t Spool::messages() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(entries_.size());
}

std::int64_t Spool::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace fp::fsp
