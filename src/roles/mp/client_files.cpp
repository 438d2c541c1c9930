// /CCM_Client: what a machine needs before it is a client, from a folder of the administrator's (wire.md §1).
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "net/byte_ranges.hpp"
#include "roles/mp/context.hpp"
#include "wire/dav.hpp"
#include "wire/range.hpp"

namespace fp::mp {
namespace {

constexpr std::string_view kFolder = "/CCM_Client";
constexpr std::size_t kEntriesMax = 10'000;
constexpr const char* kContentType = "application/octet-stream";

struct Found {
  std::shared_ptr<Fd> file;
  struct stat status = {};
  [[nodiscard]] bool folder() const { return S_ISDIR(status.st_mode); }
  [[nodiscard]] Instant modified() const { return {static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000}; }
};

// Walks down part by part without following links, matching names without case as Windows clients expect.
Outcome<Found> open_below(const Path& root, std::string_view relative) {
  Path at = root;
  if (!relative.empty()) {
    const auto clean = parse_relative_path(relative);
    if (!clean) return refused(404, clean.error().message);
    for (const std::string_view part : split(*clean, '/')) {
      Path next = at / std::string(part);
      if (!file_exists(next)) {
        std::error_code failed;
        for (const auto& item : std::filesystem::directory_iterator(at, failed))
          if (iequals(item.path().filename().string(), part)) next = item.path();
      }
      std::error_code failed;
      if (std::filesystem::is_symlink(next, failed)) return refused(404, "links are not served");
      at = std::move(next);
    }
  }
  Found found{.file = std::make_shared<Fd>(::open(at.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW))};
  if (!found.file->ok() || ::fstat(found.file->get(), &found.status) != 0)
    return refused(404, "no such client file");
  if (!found.folder() && !S_ISREG(found.status.st_mode)) return refused(404, "not a file");
  return found;
}

std::string etag_of(const Found& found) {
  return fmt::format("\"{:x}-{:x}-{:x}\"", found.status.st_ino, found.status.st_size,
                     found.status.st_mtim.tv_sec * 1'000'000'000 + found.status.st_mtim.tv_nsec);
}

net::Response file_response(const net::Request& request, const Found& found) {
  const std::string etag = etag_of(found);
  const std::int64_t size = found.status.st_size;
  net::Response response;
  response.set("Accept-Ranges", "bytes").set("ETag", etag);
  response.set("Last-Modified", to_http_date(found.modified()));
  const auto outcome = wire::check_conditions({.if_match = request.header("If-Match"),
                                               .if_none_match = request.header("If-None-Match"),
                                               .if_modified_since = request.header("If-Modified-Since"),
                                               .if_unmodified_since = request.header("If-Unmodified-Since"),
                                               .if_range = request.header("If-Range")},
                                              etag, found.modified());
  if (outcome != wire::ConditionOutcome::proceed) {
    response.status = outcome == wire::ConditionOutcome::failed ? 412 : 304;
    return response;
  }
  const auto part = [&](wire::ByteSpan span) -> net::Segment { return net::FileSlice{found.file, span.offset, span.length}; };
  const bool ranged =
      request.method == "GET" && wire::if_range_holds(request.header("If-Range"), etag, found.modified());
  const wire::RangeDecision range =
      ranged ? wire::decide_range(request.header("Range"), size) : wire::RangeDecision{};
  if (range.outcome == wire::RangeOutcome::unsatisfiable) {
    response.status = 416;
    response.set("Content-Range", wire::content_range_unsatisfied(size));
    return response;
  }
  if (range.outcome == wire::RangeOutcome::partial) {
    net::put_ranges(response, {kContentType, etag, size, part}, range.spans);
    return response;
  }
  response.set("Content-Type", kContentType);
  if (request.method == "HEAD")
    response.head_length = size;
  else if (size > 0)
    response.body.push_back(part({0, size}));
  return response;
}

std::string base_url(const net::Request& request) {
  return fmt::format("{}://{}", request.peer.tls() ? "https" : "http", request.header("Host"));
}

wire::DavResource resource(std::string href, std::string name, bool folder, std::int64_t size,
                           Instant modified) {
  if (folder && !href.ends_with('/')) href += '/';
  return {.href = std::move(href),
          .name = std::move(name),
          .collection = folder,
          .size_bytes = folder ? 0 : size,
          .modified = modified,
          .etag = {}};
}

Outcome<net::Response> list(const net::Request& request, const Path& folder, std::string_view relative,
                            const Found& found) {
  const auto depth = wire::parse_depth(request.header("Depth"));
  if (!depth) return refused(400, depth.error().message);
  if (*depth == wire::DavDepth::infinity)
    return net::Response::text(403, "text/xml", wire::propfind_finite_depth());
  const auto wanted = wire::decode_propfind(request.body);
  if (!wanted) return refused(wanted.error());
  std::string path(kFolder);
  if (!relative.empty()) path += "/" + std::string(relative);
  const std::string href = base_url(request) + percent_encode_path(path);
  std::vector<wire::DavResource> resources;
  if (*depth != wire::DavDepth::children)
    resources.push_back(resource(href, Path(path).filename().string(), found.folder(), found.status.st_size, found.modified()));
  const auto itself = static_cast<std::ptrdiff_t>(resources.size());
  std::error_code failed;
  if (found.folder() && *depth != wire::DavDepth::zero)
    for (const auto& item : std::filesystem::directory_iterator(folder / std::string(relative), failed)) {
      const auto inner = open_below(
          folder, relative.empty() ? item.path().filename().string()
                                   : std::string(relative) + "/" + item.path().filename().string());
      if (!inner || resources.size() >= kEntriesMax) continue;
      const std::string name = item.path().filename().string();
      resources.push_back(resource(href + "/" + percent_encode_path(name), name, inner->folder(),
                                   inner->status.st_size, inner->modified()));
    }
  std::ranges::sort(resources.begin() + itself, resources.end(), {}, &wire::DavResource::href);
  return net::Response::text(207, "text/xml; charset=utf-8", wire::encode_multistatus(*wanted, resources));
}

Outcome<net::Response> serve(Context& context, const net::Request& request) {
  if (context.settings.client_files.empty()) return refused(404, "no client files are published");
  if (request.method == "OPTIONS") {
    net::Response response = net::Response::empty(200);
    response.set("Allow", "GET, HEAD, PROPFIND, OPTIONS").set("DAV", "1,2");
    return response;
  }
  std::string_view relative = std::string_view(request.path).substr(kFolder.size());
  while (relative.starts_with('/')) relative.remove_prefix(1);
  while (relative.ends_with('/')) relative.remove_suffix(1);
  const auto found = open_below(context.settings.client_files, relative);
  if (!found) return std::unexpected(found.error());
  if (request.method == "PROPFIND") return list(request, context.settings.client_files, relative, *found);
  if (found->folder()) return refused(404, "a folder is not a client file");
  return file_response(request, *found);
}

}  // namespace

net::Response serve_client_file(Context& context, const net::Request& request) {
  auto response = serve(context, request);
  return response ? std::move(*response) : context.refuse("mp.message", request, {}, response.error());
}

}  // namespace fp::mp
