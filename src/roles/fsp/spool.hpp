// What a fallback status point received and the site has not fetched yet: a folder, one file for each message, named by its place
// in the order and its id. Any thread. A message is on the disk (file and folder synced) before add() returns. Costs two syncs a
// message and, at start, a read of the folder. Bounded by number and bytes: a full spool refuses what is new and keeps what it
// has. Never: a look inside a message, the removal of one that the site did not acknowledge.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "wire/fsp_link.hpp"

namespace fp::fsp {

struct SpoolLimits {
  std::int64_t messages_max = 100'000;
  std::int64_t bytes_max = 256LL << 20;  // of files
};

class Spool {
 public:
  // Makes the folder where there is none; removes what a crash left half written.
  [[nodiscard]] static Result<std::unique_ptr<Spool>> open(const Path& folder, const SpoolLimits& limits);

  [[nodiscard]] Status add(const wire::SpooledMessage& message);  // Code::unavailable: full; Code::io
  // The oldest, at most limits::kFallbackBatchMax and kFallbackBatchBytesMax. A file that cannot be read any more is put aside
  // (its name ends in .damaged) and said in the log.
  [[nodiscard]] std::vector<wire::SpooledMessage> oldest();
  [[nodiscard]] Status remove(const std::vector<std::string>& ids);  // one that is not there is gone already
  [[nodiscard]] std::int64_t messages() const;
  [[nodiscard]] std::int64_t bytes() const;

 private:
  struct Entry {
    std::string id;
    std::int64_t bytes = 0;
    bool whole = false;  // its file is on the disk
  };
  Spool(Path folder, const SpoolLimits& limits) : folder_(std::move(folder)), limits_(limits) {}
  [[nodiscard]] Status scan();
  [[nodiscard]] Path file_of(std::int64_t place, std::string_view id) const;
  void forget(std::int64_t place);

  const Path folder_;
  const SpoolLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::int64_t, Entry> entries_;  // by place
  std::map<std::string, std::int64_t, std::less<>> places_;  // by id
  std::int64_t next_ = 1, bytes_ = 0;
};

}  // namespace fp::fsp
