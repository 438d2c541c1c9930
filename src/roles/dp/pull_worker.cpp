#include "roles/dp/pull_worker.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/manifest.hpp"

namespace fp::dp {
namespace {

constexpr std::int64_t kChunksPerRequest = 16;

// Cuts a stream of bytes into the chunks of one file, from `index` on, and puts each into the library.
class ChunkFeed {
 public:
  ChunkFeed(content::Library& library, const Manifest& manifest, const ManifestFile& file, std::int64_t index)
      : library_(library), manifest_(manifest), file_(file), index_(index) {}

  bool take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::int64_t offset = index_ * manifest_.chunk_bytes;
      const std::int64_t length = std::min(manifest_.chunk_bytes, file_.size - offset);
      if (length <= 0) return false;
      const auto room = static_cast<std::size_t>(length) - buffer_.size();
      buffer_.append(bytes.substr(0, room));
      bytes.remove_prefix(std::min(room, bytes.size()));
      if (static_cast<std::int64_t>(buffer_.size()) < length) return true;
      status_ = library_.put_chunk(manifest_.content_id, file_.sha256, index_, buffer_);
      if (!status_) return false;
      buffer_.clear();
      ++index_;
    }
    return true;
  }
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  content::Library& library_;
  const Manifest& manifest_;
  const ManifestFile& file_;
  std::int64_t index_;
  std::string buffer_;
  Status status_;
};

struct Run {
  const ManifestFile* file = nullptr;
  std::int64_t first = 0, count = 0;
};

// Chunks that follow each other in one file become one range request.
std::vector<Run> runs_of(const Manifest& manifest, const std::vector<content::ChunkNeed>& needs) {
  std::unordered_map<std::string_view, const ManifestFile*> files;
  for (const auto& file : manifest.files) files.emplace(file.sha256, &file);
  std::vector<Run> out;
  for (const auto& need : needs) {
    const auto file = files.find(need.sha256);
    if (file == files.end()) continue;
    if (!out.empty() && out.back().file == file->second && out.back().first + out.back().count == need.index &&
        out.back().count < kChunksPerRequest)
      ++out.back().count;
    else
      out.push_back({file->second, need.index, 1});
  }
  return out;
}

}  // namespace

Status PullWorker::fetch_chunks(net::Client& client, const std::string& base, const Manifest& manifest,
                                const content::OnProgress& progress) {
  FP_TRY(needs, library_.missing_chunks(manifest.content_id));
  for (const auto& run : runs_of(manifest, needs)) {
    net::RangeRequest request;
    request.url = base + percent_encode_path(manifest.content_id + "/" + run.file->path);
    const std::int64_t first = run.first * manifest.chunk_bytes;
    request.range = {first, std::min(first + run.count * manifest.chunk_bytes, run.file->size) - 1};
    request.total_bytes = run.file->size;
    ChunkFeed feed(library_, manifest, *run.file, run.first);
    const auto reply = net::fetch_range(client, request, [&](std::string_view bytes) { return feed.take(bytes); });
    if (!feed.status()) return std::unexpected(feed.status().error());
    if (!reply) return std::unexpected(reply.error().with_context(run.file->path));
    if (!progress) continue;
    if (const auto state = library_.received(manifest.content_id); state && !progress(*state))
      return fail(Code::conflict, "the pull was stopped");
  }
  return {};
}

Status PullWorker::fetch_from(const std::string& source, const wire::PullOrder& order, const content::OnProgress& progress) {
  net::Client client(identity_);
  std::string base = source;
  while (base.ends_with('/')) base.pop_back();
  base += "/SMS_DP_SMSPKG$/";
  FP_TRY(reply, client.get(base + order.content_id + ".manifest"));
  if (reply.status != 200)
    return fail(reply.status == 404 ? Code::not_found : Code::unavailable, "manifest: HTTP {}", reply.status);
  FP_TRY(manifest, wire::decode_manifest(reply.body));
  if (manifest.content_id != order.content_id || manifest.root_hash != order.root_hash)
    return fail(Code::corrupt, "manifest: it is that of {} with root hash {}", manifest.content_id, manifest.root_hash);
  FP_CHECK(library_.begin(manifest));
  FP_CHECK(fetch_chunks(client, base, manifest, progress));
  return library_.commit(order.content_id);
}

Status PullWorker::fetch(const wire::PullOrder& order, const content::OnProgress& progress) {
  if (const auto known = library_.find(order.content_id);
      known && (*known)->manifest().content_id == order.content_id && library_.known_bad(order.content_id).empty()) {
    if ((*known)->manifest().root_hash == order.root_hash) return {};
    return fail(Code::conflict, "{} is here with other files", order.content_id);
  }
  if (order.source_urls.empty()) return fail(Code::unavailable, "{}: there is no source to pull from", order.content_id);
  std::string problems;
  for (const auto& source : order.source_urls) {
    const Status fetched = fetch_from(source, order, progress);
    if (fetched) return {};
    log::warning("dp.pull", "{} from {}: {}", order.content_id, source, fetched.error().message);
    problems += fmt::format("{}{}: {}", problems.empty() ? "" : "; ", source, fetched.error().message);
  }
  return fail(Code::unavailable, "{} could not be pulled: {}", order.content_id, problems);
}

int PullWorker::run_once(PullOrders& orders, const Clock& clock, const std::function<bool()>& stop) {
  int done = 0;
  for (const auto& order : orders.all()) {
    if (stop && stop()) break;
    if (!orders.due(order.content_id, clock.steady_ms())) continue;
    const Status fetched = fetch(order, [&](const content::Progress&) { return (!stop || !stop()) && orders.has(order.content_id); });
    if (!fetched) {
      orders.set_problem(order.content_id, fetched.error().message, clock.steady_ms());
      continue;
    }
    if (const Status removed = orders.remove(order.content_id); !removed) log::error("dp.pull", "{}", removed.error().message);
    ++done;
  }
  return done;
}

}  // namespace fp::dp
