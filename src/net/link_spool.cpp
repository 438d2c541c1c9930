#include "net/link_spool.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace fp::net {

Status LinkSpool::append(std::string_view bytes) {
  if (!file_ && memory_.size() + bytes.size() <= kMemoryBytesMax) {
    memory_ += bytes;
    return {};
  }
  if (!file_) {
    const Path folder = folder_.empty() ? std::filesystem::temp_directory_path() : folder_;
    std::string name = (folder / "answer-XXXXXX").native();
    file_ = std::make_shared<Fd>(::mkostemp(name.data(), O_CLOEXEC));
    if (!file_->ok()) return fail_errno("making a file for an answer in", folder.native());
    if (::unlink(name.c_str()) != 0) return fail_errno("taking the name of a file away", name);
    FP_CHECK(write_all(file_->get(), memory_));
    in_file_ = static_cast<std::int64_t>(memory_.size());
    memory_.clear();
  }
  FP_CHECK(write_all(file_->get(), bytes));
  in_file_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

std::vector<Segment> LinkSpool::finish() {
  std::vector<Segment> out;
  if (file_) out.emplace_back(FileSlice{file_, 0, in_file_});
  else if (!memory_.empty()) out.emplace_back(std::move(memory_));
  return out;
}

}  // namespace fp::net
