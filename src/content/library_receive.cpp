#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "content/library_impl.hpp"
#include "crypto/hash.hpp"
#include "wire/manifest.hpp"

namespace fp::content {
namespace {

Path part_path(const Receiving& receiving, const std::string& hash) { return receiving.folder / (upper(hash) + ".part"); }

std::int64_t chunk_size(const Manifest& manifest, const ManifestFile& file, std::int64_t index) {
  return std::min(manifest.chunk_bytes, file.size - index * manifest.chunk_bytes);
}

// Which chunks a part file of a former process really holds: proved by their hashes, holes skipped.
Status prove_part(const Receiving& receiving, Partial& partial, std::string& buffer) {
  const ManifestFile& file = *partial.file;
  const Path path = part_path(receiving, file.sha256);
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.ok()) return errno == ENOENT ? Status{} : fail_errno("opening", path.native());
  for (std::int64_t index = 0; index < static_cast<std::int64_t>(partial.have.size()); ++index) {
    const off_t offset = index * receiving.manifest.chunk_bytes;
    const std::int64_t length = chunk_size(receiving.manifest, file, index);
    const off_t data = ::lseek(fd.get(), offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};  // nothing but a hole up to the end
    if (data >= offset + length) continue;
    const ssize_t n = ::pread(fd.get(), buffer.data(), static_cast<std::size_t>(length), offset);
    if (n != length) continue;
    if (hex_lower(crypto::sha256({buffer.data(), static_cast<std::size_t>(n)})) !=
        file.chunk_sha256[static_cast<std::size_t>(index)])
      continue;
    partial.have[static_cast<std::size_t>(index)] = true;
    --partial.missing;
  }
  return {};
}

Status write_at(int fd, std::string_view bytes, std::int64_t offset, const Path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("writing into the content library", path.native());
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
  return {};
}

}  // namespace

std::shared_ptr<Receiving> Library::Impl::reception(std::string_view content_id) {
  std::lock_guard lock(receptions_mutex);
  const auto found = receptions.find(content_id);
  return found == receptions.end() ? nullptr : found->second;
}

Status Library::Impl::scan(Receiving& receiving) {
  if (receiving.scanned) return {};
  receiving.parts.clear();
  receiving.progress = {};
  std::string buffer(static_cast<std::size_t>(receiving.manifest.chunk_bytes), '\0');
  for (const auto& file : receiving.manifest.files) {
    if (receiving.parts.contains(file.sha256) || is_present(file.sha256)) continue;
    Partial partial{&file, std::vector<bool>(file.chunk_sha256.size(), false),
                    static_cast<std::int64_t>(file.chunk_sha256.size())};
    FP_CHECK(prove_part(receiving, partial, buffer));
    for (std::size_t i = 0; i < partial.have.size(); ++i)
      if (partial.have[i]) receiving.progress.bytes_done += chunk_size(receiving.manifest, file, static_cast<std::int64_t>(i));
    receiving.progress.bytes_total += file.size;
    ++receiving.progress.files_total;
    if (partial.missing == 0) ++receiving.progress.files_done;
    receiving.parts.emplace(file.sha256, std::move(partial));
  }
  receiving.scanned = true;
  return {};
}

Status Library::begin(const Manifest& manifest) {
  FP_CHECK(wire::check_manifest(manifest));
  const auto known = find(manifest.content_id);
  if (known && (*known)->manifest().content_id == manifest.content_id) {
    if ((*known)->manifest().root_hash != manifest.root_hash)
      return fail(Code::conflict, "{} exists with other files; a version never changes", manifest.content_id);
    if (impl_->bad_of(**known).empty()) return {};
  }
  if (const auto earlier = impl_->reception(manifest.content_id)) {
    if (earlier->manifest.root_hash == manifest.root_hash) return {};
    FP_CHECK(abandon(manifest.content_id));
  }
  std::int64_t wanted_bytes = 0;
  auto receiving = std::make_shared<Receiving>();
  for (const auto& file : manifest.files)
    if (receiving->pinned.insert(file.sha256).second && !impl_->is_present(file.sha256)) wanted_bytes += file.size;
  if (wanted_bytes > impl_->options.content_bytes_max)
    return fail(Code::too_large, "{}: {} bytes", manifest.content_id, wanted_bytes);
  FP_CHECK(impl_->check_space(wanted_bytes));
  receiving->manifest = manifest;
  receiving->folder = impl_->incoming() / manifest.content_id;
  FP_CHECK(make_dirs(receiving->folder));
  FP_CHECK(write_file(receiving->folder / "manifest.json", wire::encode_manifest(manifest)));
  FP_CHECK(sync_dir(impl_->incoming()));
  std::lock_guard lock(impl_->receptions_mutex);
  if (impl_->receptions.contains(manifest.content_id)) return {};
  for (const auto& hash : receiving->pinned) impl_->pin(hash);
  impl_->receptions.emplace(manifest.content_id, std::move(receiving));
  return {};
}

Result<std::vector<ChunkNeed>> Library::missing_chunks(std::string_view content_id) {
  const auto receiving = impl_->reception(content_id);
  if (!receiving) {
    FP_TRY(known, find(content_id));
    if (!impl_->bad_of(*known).empty())
      return fail(Code::conflict, "{} has bad files: begin again with its manifest", content_id);
    return std::vector<ChunkNeed>{};
  }
  std::lock_guard lock(receiving->mutex);
  FP_CHECK(impl_->scan(*receiving));
  std::vector<ChunkNeed> out;
  for (const auto& [hash, partial] : receiving->parts)
    for (std::size_t i = 0; i < partial.have.size(); ++i)
      if (!partial.have[i]) out.push_back({hash, static_cast<std::int64_t>(i)});
  return out;
}

Status Library::put_chunk(std::string_view content_id, std::string_view file_sha256, std::int64_t index, std::string_view bytes) {
  const auto receiving = impl_->reception(content_id);
  if (!receiving) return fail(Code::not_found, "{} is not being received", content_id);
  std::lock_guard lock(receiving->mutex);
  FP_CHECK(impl_->scan(*receiving));
  const auto found = receiving->parts.find(lower(file_sha256));
  if (found == receiving->parts.end()) {
    if (receiving->pinned.contains(lower(file_sha256))) return {};  // came with another content meanwhile
    return fail(Code::not_found, "{} has no file {}", content_id, file_sha256);
  }
  Partial& partial = found->second;
  if (index < 0 || index >= static_cast<std::int64_t>(partial.have.size()))
    return fail(Code::not_found, "{} has no chunk {}", partial.file->path, index);
  const auto at = static_cast<std::size_t>(index);
  if (static_cast<std::int64_t>(bytes.size()) != chunk_size(receiving->manifest, *partial.file, index) ||
      hex_lower(crypto::sha256(bytes)) != partial.file->chunk_sha256[at])
    return fail(Code::corrupt, "chunk {} of {} in {} is not what the manifest names", index, partial.file->path, content_id);
  if (partial.have[at]) return {};
  const Path path = part_path(*receiving, found->first);
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.ok()) return fail_errno("writing", path.native());
  FP_CHECK(write_at(fd.get(), bytes, index * receiving->manifest.chunk_bytes, path));
  partial.have[at] = true;
  receiving->progress.bytes_done += static_cast<std::int64_t>(bytes.size());
  if (--partial.missing == 0) ++receiving->progress.files_done;
  return {};
}

Result<Progress> Library::received(std::string_view content_id) {
  const auto receiving = impl_->reception(content_id);
  if (!receiving) return fail(Code::not_found, "{} is not being received", content_id);
  std::lock_guard lock(receiving->mutex);
  FP_CHECK(impl_->scan(*receiving));
  return receiving->progress;
}

Status Library::Impl::commit_reception(Receiving& receiving) {
  std::vector<Staged> staged;
  for (auto& [hash, partial] : receiving.parts) {
    if (is_present(hash)) continue;
    if (partial.missing > 0)
      return fail(Code::conflict, "{}: {} chunks of {} are missing", receiving.manifest.content_id, partial.missing,
                  partial.file->path);
    const Path path = part_path(receiving, hash);
    if (partial.file->size == 0) FP_CHECK(write_file(path, {}, 0600));
    std::int64_t size_bytes = 0;
    FP_TRY(found, hash_file(path, size_bytes));
    if (found != hash || size_bytes != partial.file->size) {
      ::unlink(path.c_str());
      receiving.scanned = false;
      return fail(Code::corrupt, "{}: {} has another hash than the manifest names", receiving.manifest.content_id,
                  partial.file->path);
    }
    staged.push_back({path, hash, size_bytes});
  }
  FP_CHECK(place(staged));
  const Status committed = commit_manifest(receiving.manifest);
  if (!committed) receiving.scanned = false;  // a file that was there when we looked is bad by now
  return committed;
}

Status Library::commit(std::string_view content_id) {
  const auto receiving = impl_->reception(content_id);
  if (!receiving) {
    FP_TRY(known, find(content_id));
    const auto bad = impl_->bad_of(*known);
    if (bad.empty()) return {};
    return fail(Code::conflict, "{}: {} is {}", content_id, bad.front().path, to_string(bad.front().problem));
  }
  {
    std::lock_guard lock(receiving->mutex);
    FP_CHECK(impl_->scan(*receiving));
    FP_CHECK(impl_->commit_reception(*receiving));
  }
  return impl_->end_reception(receiving->manifest.content_id);
}

Status Library::Impl::end_reception(const std::string& content_id) {
  std::shared_ptr<Receiving> receiving;
  {
    std::lock_guard lock(receptions_mutex);
    const auto found = receptions.find(content_id);
    if (found == receptions.end()) return {};
    receiving = found->second;
    receptions.erase(found);
  }
  std::lock_guard lock(receiving->mutex);
  unpin(receiving->pinned);
  return remove_tree(receiving->folder);
}

Status Library::abandon(std::string_view content_id) { return impl_->end_reception(std::string(content_id)); }

}  // namespace fp::content
