#include "roles/dp/site_link.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/dp_link.hpp"
#include "wire/manifest.hpp"

namespace fp::dp {
namespace {

using Answer = Result<net::Response>;

net::Response json(std::string text) { return net::Response::text(200, "application/json", std::move(text)); }
net::Response done() { return net::Response::empty(204); }

int status_of(Code code) {
  switch (code) {
    case Code::invalid: return 400;
    case Code::not_found: return 404;
    case Code::conflict: return 409;
    case Code::too_large: return 413;
    case Code::corrupt: return 422;
    case Code::io: return 507;
    default: return 500;
  }
}

wire::HeldContent held(content::Library& library, PullOrders* pulls, const std::string& id) {
  wire::HeldContent out{id, {}, "absent", {}, 0, 0};
  const auto content = library.find(id);
  if (content && (*content)->manifest().content_id == id) {
    out.root_hash = (*content)->manifest().root_hash;
    out.bytes = out.bytes_done = (*content)->manifest().total_bytes();
    const auto bad = library.known_bad(id);
    out.state = bad.empty() ? "ok" : "corrupt";
    if (!bad.empty()) out.detail = fmt::format("{}: {}", bad.front().path, to_string(bad.front().problem));
  }
  if (out.state == "ok") return out;
  if (const auto progress = library.received(id)) {
    out.state = "receiving";
    out.bytes = progress->bytes_total;
    out.bytes_done = progress->bytes_done;
  }
  if (pulls && pulls->has(id)) {
    const std::string problem = pulls->problem(id);
    out.state = problem.empty() ? "pulling" : "failed";
    if (!problem.empty()) out.detail = problem;
  }
  return out;
}

Answer status(content::Library& library, PullOrders* pulls) {
  wire::DpStatus out;
  for (const auto& id : library.contents()) out.contents.push_back(held(library, pulls, id));
  FP_TRY(free, library.free_bytes());
  out.free_bytes = free;
  return json(wire::encode_dp_status(out));
}

Answer missing(content::Library& library, const std::string& id) {
  FP_TRY(needs, library.missing_chunks(id));
  std::vector<wire::MissingFile> files;
  for (const auto& need : needs) {
    if (files.empty() || files.back().sha256 != need.sha256) files.push_back({need.sha256, {}});
    auto& runs = files.back().runs;
    if (!runs.empty() && runs.back().first + runs.back().count == need.index) ++runs.back().count;
    else runs.push_back({need.index, 1});
  }
  return json(wire::encode_missing(files));
}

Answer put_manifest(const net::Request& request, content::Library& library, const std::string& id) {
  FP_TRY(manifest, wire::decode_manifest(request.body));
  if (manifest.content_id != id) return fail(Code::invalid, "the manifest is that of {}, not of {}", manifest.content_id, id);
  FP_CHECK(library.begin(manifest));
  log::info("dp", "receiving {}: {} files, {} bytes", id, manifest.files.size(), manifest.total_bytes());
  return done();
}

Answer put_chunk(const net::Request& request, content::Library& library, const std::string& id, std::string_view hash,
                 std::string_view index_text) {
  FP_TRY(index, parse_int(index_text));
  FP_CHECK(library.put_chunk(id, hash, index, request.body));
  return done();
}

Answer commit(content::Library& library, const std::string& id) {
  FP_CHECK(library.commit(id));
  log::info("dp", "{} is complete and offered", id);
  return done();
}

Answer validate(content::Library& library, const std::string& id) {
  FP_TRY(findings, library.validate(id));
  std::vector<wire::FindingLine> lines;
  for (const auto& f : findings) lines.push_back({f.content_id, f.path, f.sha256, std::string(to_string(f.problem))});
  return json(wire::encode_findings(lines));
}

Answer pull(const net::Request& request, PullOrders* pulls, const std::string& id) {
  if (!pulls) return fail(Code::conflict, "this distribution point does not pull");
  FP_TRY(order, wire::decode_pull_order(request.body));
  if (order.content_id != id) return fail(Code::invalid, "the order is for {}, not for {}", order.content_id, id);
  FP_CHECK(pulls->put(order));
  return done();
}

Answer remove(content::Library& library, PullOrders* pulls, const std::string& id) {
  if (pulls) FP_CHECK(pulls->remove(id));
  FP_CHECK(library.remove(id));
  log::info("dp", "{} was removed", id);
  return done();
}

Answer put_trust(const net::Request& request, DeliveredTrust* trust) {
  if (!trust) return fail(Code::conflict, "this is the site's own distribution point: it asks the site itself");
  FP_TRY(told, wire::decode_dp_trust(request.body));
  FP_CHECK(trust->put(told));
  return done();
}

Answer dispatch(const net::Request& request, std::string_view rest, content::Library& library, PullOrders* pulls,
                DeliveredTrust* trust) {
  const auto parts = split(rest, '/');
  const std::string_view verb = request.method;
  if (parts[0] != "v1" || parts.size() < 2) return fail(Code::not_found, "no such route");
  if (parts.size() == 2 && parts[1] == "status" && verb == "GET") return status(library, pulls);
  if (parts.size() == 2 && parts[1] == "trust" && verb == "PUT") return put_trust(request, trust);
  if (parts[1] != "contents" || parts.size() < 3) return fail(Code::not_found, "no such route");
  FP_TRY(id, parse_content_id(parts[2]));
  const std::string_view what = parts.size() > 3 ? parts[3] : std::string_view{};
  if (parts.size() == 3 && verb == "GET") return json(wire::encode_held(held(library, pulls, id)));
  if (parts.size() == 3 && verb == "DELETE") return remove(library, pulls, id);
  if (parts.size() == 4 && what == "manifest" && verb == "PUT") return put_manifest(request, library, id);
  if (parts.size() == 4 && what == "missing" && verb == "POST") return missing(library, id);
  if (parts.size() == 4 && what == "commit" && verb == "POST") return commit(library, id);
  if (parts.size() == 4 && what == "validate" && verb == "POST") return validate(library, id);
  if (parts.size() == 4 && what == "pull" && verb == "POST") return pull(request, pulls, id);
  if (parts.size() == 6 && what == "chunks" && verb == "PUT") return put_chunk(request, library, id, parts[4], parts[5]);
  return fail(Code::not_found, "no such route");
}

}  // namespace

net::Response answer_site(const net::Request& request, std::string_view rest, content::Library& library, PullOrders* pulls,
                          DeliveredTrust* trust) {
  Answer answer = dispatch(request, rest, library, pulls, trust);
  if (answer) return std::move(*answer);
  if (answer.error().code != Code::not_found)
    log::warning("dp", "{} {}: {}", request.method, request.target, answer.error().message);
  return net::Response::text(status_of(answer.error().code), "text/plain; charset=utf-8", answer.error().message + "\n");
}

std::size_t site_body_bytes_max(std::string_view method, std::string_view path) {
  if (method != "PUT") return 64U << 10;
  if (path.ends_with("/v1/trust")) return limits::kDpTrustBytesMax;
  return path.ends_with("/manifest") ? limits::kManifestBytesMax : limits::kChunkBytes;
}

}  // namespace fp::dp
