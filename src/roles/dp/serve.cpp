#include "roles/dp/serve.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "net/byte_ranges.hpp"
#include "wire/dav.hpp"
#include "wire/listing.hpp"
#include "wire/range.hpp"

namespace fp::dp {
namespace {

constexpr int kCorruptRetryAfterS = 600;

net::Segment part_of(const Resource& resource, const content::OpenFile& file, wire::ByteSpan span) {
  if (file.file) return net::FileSlice{file.file, span.offset, span.length};
  return resource.text.substr(static_cast<std::size_t>(span.offset), static_cast<std::size_t>(span.length));
}

void validators(net::Response& response, const Item& item) {
  response.set("ETag", item.etag);
  response.set("Last-Modified", to_http_date(item.modified));
  response.set("Accept-Ranges", "bytes");
}

net::Response ranges(const Resource& resource, const content::OpenFile& file, const std::vector<wire::ByteSpan>& spans) {
  net::Response response = net::Response::empty(206);
  validators(response, resource.self);
  net::put_ranges(response,
                  {resource.content_type, resource.self.etag, resource.self.size_bytes,
                   [&](wire::ByteSpan span) { return part_of(resource, file, span); }},
                  spans);
  return response;
}

net::Response whole(const net::Request& request, const Resource& resource, const content::OpenFile& file) {
  net::Response response = net::Response::empty(200);
  validators(response, resource.self);
  response.set("Content-Type", resource.content_type);
  if (request.method == "HEAD") {
    response.head_length = resource.self.size_bytes;
  } else if (resource.self.size_bytes > 0) {
    response.body.push_back(part_of(resource, file, {0, resource.self.size_bytes}));
  }
  return response;
}

}  // namespace

net::Response serve_bytes(const net::Request& request, const content::Library& library, const Resource& resource) {
  const Item& item = resource.self;
  content::OpenFile file;
  if (!resource.sha256.empty()) {
    auto opened = library.open_file(resource.sha256);
    if (!opened) {
      log::error("dp", "{} cannot be served: {}", percent_encode_path(item.name), opened.error().message);
      auto response = net::Response::text(503, "text/plain", "This file is being repaired.\n");
      return std::move(response.set("Retry-After", std::to_string(kCorruptRetryAfterS)));
    }
    file = std::move(*opened);
  }
  return serve_opened(request, resource, file);
}

net::Response serve_opened(const net::Request& request, const Resource& resource, const content::OpenFile& file) {
  const Item& item = resource.self;
  const wire::Conditions conditions{request.header("If-Match"), request.header("If-None-Match"),
                                    request.header("If-Modified-Since"), request.header("If-Unmodified-Since"),
                                    request.header("If-Range")};
  switch (wire::check_conditions(conditions, item.etag, item.modified)) {
    case wire::ConditionOutcome::not_modified: {
      net::Response response = net::Response::empty(304);
      validators(response, item);
      return response;
    }
    case wire::ConditionOutcome::failed: return net::Response::empty(412);
    case wire::ConditionOutcome::proceed: break;
  }
  const auto range = request.header("Range");
  if (request.method != "GET" || range.empty() || !wire::if_range_holds(conditions.if_range, item.etag, item.modified))
    return whole(request, resource, file);
  const auto decision = wire::decide_range(range, item.size_bytes);
  if (decision.outcome == wire::RangeOutcome::partial) return ranges(resource, file, decision.spans);
  if (decision.outcome == wire::RangeOutcome::whole) return whole(request, resource, file);
  net::Response response = net::Response::empty(416);
  validators(response, item);
  response.set("Content-Range", wire::content_range_unsatisfied(item.size_bytes));
  return response;
}

net::Response serve_page(const net::Request& request, const std::string& url, const Resource& folder) {
  std::vector<wire::ListingEntry> entries;
  for (const auto& child : folder.children) entries.push_back({child.name, child.folder, child.size_bytes, child.modified});
  std::string page = wire::encode_listing(url, request.path, entries);
  const auto size = static_cast<std::int64_t>(page.size());
  if (request.method != "HEAD") return net::Response::text(200, "text/html; charset=utf-8", std::move(page));
  net::Response response = net::Response::empty(200);
  response.set("Content-Type", "text/html; charset=utf-8");
  response.head_length = size;
  return response;
}

net::Response serve_propfind(const net::Request& request, const std::string& url, const Resource& resource) {
  const auto depth = wire::parse_depth(request.header("Depth"));
  if (!depth) return net::Response::text(400, "text/plain", depth.error().message + "\n");
  if (*depth == wire::DavDepth::infinity)
    return net::Response::text(403, "application/xml; charset=utf-8", wire::propfind_finite_depth());
  const auto asked = wire::decode_propfind(request.body);
  if (!asked)
    return net::Response::text(asked.error().code == Code::too_large ? 413 : 400, "text/plain", asked.error().message + "\n");
  const auto dav = [](const Item& item, std::string href) {
    if (item.folder) href += "/";
    return wire::DavResource{std::move(href), item.name, item.folder, item.size_bytes, item.modified, item.etag};
  };
  std::vector<wire::DavResource> list;
  if (*depth != wire::DavDepth::children) list.push_back(dav(resource.self, url));
  if (*depth != wire::DavDepth::zero)
    for (const auto& child : resource.children) list.push_back(dav(child, url + "/" + percent_encode_path(child.name)));
  return net::Response::text(207, "text/xml; charset=utf-8", wire::encode_multistatus(*asked, list));
}

}  // namespace fp::dp
