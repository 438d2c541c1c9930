#include "roles/sup/synchronizer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "domain/deployment/version.hpp"
#include "net/client.hpp"
#include "packages/apt_tools.hpp"
#include "wire/wsus_limits.hpp"

namespace fp::sup {
namespace {

using namespace wire::wsus_limits;
using store::Repositories;

constexpr int kFileTimeoutS = 3600;
constexpr std::int64_t kRoomBytes = std::int64_t{64} << 20;  // that stays free on the disk

// A name-based GUID over SHA-256: the same update has the same id at every site.
std::string derived_guid(std::string_view text) {
  std::string h = hex(crypto::sha256(text)).substr(0, 32);
  h[12] = '8';  // RFC 9562: a version of one's own making
  h[16] = 'A';
  return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4), h.substr(16, 4), h.substr(20));
}

std::string joined(std::string base, std::string_view path) {
  while (base.ends_with('/')) base.pop_back();
  return base + "/" + percent_encode_path(path);
}

net::Client client_of(const SynchronizerOptions& options, std::size_t bytes_max, const std::function<bool()>& stop) {
  net::ClientOptions o;
  o.proxy = options.proxy;
  o.body_bytes_max = bytes_max;
  o.total_timeout_s = kFileTimeoutS;
  o.stop = stop;
  return net::Client(std::move(o));
}

Result<std::string> fetch_text(const SynchronizerOptions& options, const std::string& url, std::size_t bytes_max, const std::function<bool()>& stop) {
  auto client = client_of(options, bytes_max, stop);
  auto reply = client.get(url);
  if (!reply) return std::unexpected(reply.error().with_context(url));
  if (reply->status == 404 || reply->status == 410) return fail(Code::not_found, "{}: there is no such file", url);
  if (reply->status != 200) return fail(Code::unavailable, "{}: the answer is {}", url, reply->status);
  return std::move(reply->body);
}

// "bookworm-security" of the product "Debian bookworm".
std::string product_of(const RepositorySource& source, const wire::AptRelease& release) {
  std::string name = release.codename.empty() ? (release.suite.empty() ? source.suite : release.suite) : release.codename;
  for (const std::string_view ending : {"-security", "-updates", "-proposed-updates"})
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  return fmt::format("{} {}", release.origin.empty() ? source.name : release.origin, name);
}

bool same(const SoftwareUpdate& a, const SoftwareUpdate& b) {
  return a.sha256 == b.sha256 && a.bytes == b.bytes && a.url == b.url && a.title == b.title && a.product == b.product &&
         a.classification == b.classification;
}

// Of a package and architecture the newest version only: what it supersedes is no update any more.
std::vector<wire::AptPackage> newest_of(std::vector<wire::AptPackage> packages) {
  std::map<std::pair<std::string, std::string>, wire::AptPackage> newest;
  for (auto& p : packages) {
    const std::pair key(p.package, p.architecture);
    const auto known = newest.find(key);
    if (known == newest.end() || deployment::compare_dpkg(p.version, known->second.version) > 0) newest[key] = std::move(p);
  }
  std::vector<wire::AptPackage> out;
  for (auto& [key, p] : newest) out.push_back(std::move(p));
  return out;
}

Result<std::int64_t> number_of(Repositories& r, std::string_view name) {
  const auto text = r.site.value(name);
  if (!text) return text.error().code == Code::not_found ? Result<std::int64_t>(0) : std::unexpected(text.error());
  return parse_int(*text);
}

}  // namespace

std::vector<SoftwareUpdate> updates_of(const RepositorySource& source, const wire::AptRelease& release, const std::vector<wire::AptPackage>& packages) {
  const bool security = icontains(release.label, "security") || icontains(release.suite, "security") || icontains(source.suite, "security");
  const std::string product = product_of(source, release);
  std::vector<SoftwareUpdate> out;
  out.reserve(packages.size());
  for (const auto& p : packages) {
    SoftwareUpdate u;
    u.id = derived_guid(fmt::format("farpoint-update\n{}\n{}\n{}\n{}\n{}", source.url, source.suite, p.package, p.architecture, p.version));
    u.source = source.name;
    u.package = p.package;
    u.version = p.version;
    u.architecture = p.architecture;
    u.title = fmt::format("{} {}{}{}", p.package, p.version, p.title.empty() ? "" : ": ", p.title);
    u.product = product;
    u.classification = security ? UpdateClass::security : UpdateClass::other;
    u.file_name = p.file.substr(p.file.rfind('/') + 1);
    u.url = joined(source.url, p.file);
    u.sha256 = p.sha256;
    u.bytes = p.bytes;
    out.push_back(std::move(u));
  }
  return out;
}

Synchronizer::Synchronizer(store::Store& store, const site::PolicyMaker& policies, const Clock& clock, Random& random, SynchronizerOptions options)
    : store_(store), policies_(policies), clock_(clock), random_(random), options_(std::move(options)) {}

Status Synchronizer::prepare() {
  FP_CHECK(remove_tree(options_.folder));  // what an earlier run left half fetched
  FP_CHECK(make_dirs(options_.folder, 0700));
  return store_.write([&](Repositories& r) -> Status {
    auto id = r.site.value(kSourceId);
    if (!id && id.error().code != Code::not_found) return std::unexpected(id.error());
    if (!id) {
      id = new_guid(random_);
      FP_CHECK(r.site.set_value(kSourceId, *id));
    }
    FP_TRY(known, r.updates.sources());
    for (const auto& s : known) {
      if (std::ranges::any_of(options_.sources, [&](const RepositorySource& o) { return o.name == s.name; })) continue;
      FP_TRY(gone, change(r, s.name, {}));
      if (gone > 0) log::info("sup.sync", "{} is no source any more: {} updates expire", s.name, gone);
      FP_CHECK(r.updates.remove_source(s.name));
    }
    FP_TRY(version, number_of(r, kContentVersion));
    return policies_.update_source(r, *id, version);
  });
}

Result<wire::AptRelease> Synchronizer::fetch_release(const RepositorySource& source, const std::function<bool()>& stop) const {
  FP_TRY(text, fetch_text(options_, joined(source.url, fmt::format("dists/{}/InRelease", source.suite)), kReleaseBytesMax, stop));
  const Path file = options_.folder / "InRelease";
  FP_CHECK(write_file(file, text, 0600));
  packages::ProcessRunner runner(clock_);
  auto verified = packages::verified_text(runner, source.keyring, file, kReleaseBytesMax);
  if (!verified) return std::unexpected(verified.error().with_context("the release file"));
  FP_TRY(release, wire::decode_apt_release(*verified));
  const Instant now = clock_.now();
  if (release.valid_until.ms > 0 && release.valid_until < now)
    return fail(Code::forbidden, "the release file was good until {}: the repository is not kept up, or somebody shows an old one", to_iso(release.valid_until));
  FP_TRY(known, store_.read([](Repositories& r) { return r.updates.sources(); }));
  for (const auto& s : known)
    if (s.name == source.name && release.released_at < s.released_at)
      return fail(Code::forbidden, "the release file is of {}, and one of {} was taken already: somebody shows an old one", to_iso(release.released_at),
                  to_iso(s.released_at));
  return release;
}

Result<std::string> Synchronizer::fetch_index(const RepositorySource& source, const wire::AptRelease& release, const std::string& stem,
                                              const std::function<bool()>& stop) const {
  Error last{Code::not_found, fmt::format("the release file names no {}: look at components and architectures", stem)};
  for (const char* ending : {".xz", ".gz", ""}) {
    const auto named = release.files.find(stem + ending);
    if (named == release.files.end()) continue;
    auto bytes = fetch_text(options_, joined(source.url, fmt::format("dists/{}/{}", source.suite, named->first)), kIndexBytesMax, stop);
    if (!bytes && bytes.error().code == Code::not_found) {
      last = bytes.error();
      continue;  // some repositories name forms that they do not keep
    }
    if (!bytes) return bytes;
    if (static_cast<std::int64_t>(bytes->size()) != named->second.bytes || hex_lower(crypto::sha256(*bytes)) != named->second.sha256)
      return fail(Code::corrupt, "{} is not the file that the signed release file names: its size or SHA-256 differs", named->first);
    const Path file = options_.folder / (std::string("Packages") + ending);
    FP_CHECK(write_file(file, *bytes, 0600));
    packages::ProcessRunner runner(clock_);
    auto text = packages::unpacked_text(runner, file, kIndexTextBytesMax);
    return text ? text : std::unexpected(text.error().with_context(named->first));
  }
  return std::unexpected(std::move(last));
}

Result<Synchronizer::Fetched> Synchronizer::fetch_source(const RepositorySource& source, const std::function<bool()>& stop) const {
  Fetched out;
  FP_TRY(release, fetch_release(source, stop));
  std::vector<wire::AptPackage> all;
  for (const auto& component : source.components) {
    for (const auto& architecture : source.architectures) {
      FP_TRY(text, fetch_index(source, release, fmt::format("{}/binary-{}/Packages", component, architecture), stop));
      FP_TRY(list, wire::decode_apt_packages(text));
      if (list.left_out > 0) log::warning("sup.sync", "{}: {} packages of {} are left out: their stanzas are not whole", source.name, list.left_out, component);
      std::ranges::move(list.packages, std::back_inserter(all));
    }
  }
  out.release = std::move(release);
  out.packages = newest_of(std::move(all));
  return out;
}

// Within one transaction: what the source offers now against what the catalogue has of it.
Result<int> Synchronizer::change(Repositories& r, const std::string& source, std::vector<SoftwareUpdate> offered) {
  FP_TRY(all, r.updates.list({.expired = true}));
  FP_TRY(version, number_of(r, kContentVersion));
  std::map<std::string, SoftwareUpdate> before;
  std::size_t others = 0;
  for (auto& u : all) {
    if (u.source == source) before.emplace(u.id, std::move(u));
    else if (!u.expired) ++others;
  }
  if (others + offered.size() > kUpdatesMax)
    return fail(Code::too_large, "the catalogue would have {} updates, and {} are the most: name fewer components or architectures",
                others + offered.size(), kUpdatesMax);
  int changed = 0;
  const Instant now = clock_.now();
  const auto put = [&](SoftwareUpdate u) -> Status {
    u.number = 0;
    u.content_version = version + 1;
    u.changed_at = now;
    FP_TRY(number, r.updates.put(u));
    changed += number > 0 ? 1 : 0;
    return {};
  };
  for (auto& u : offered) {
    const auto known = before.find(u.id);
    const bool fresh = known == before.end();
    if (!fresh) u.revision = same(known->second, u) ? known->second.revision : known->second.revision + 1;
    const bool unchanged = !fresh && u.revision == known->second.revision && !known->second.expired;
    if (!fresh) before.erase(known);
    if (!unchanged) FP_CHECK(put(std::move(u)));
  }
  for (auto& [id, u] : before) {
    if (u.expired && now.since_ms(u.changed_at) > kForgetExpiredMs) FP_CHECK(r.updates.remove(id));
    if (u.expired) continue;
    u.expired = true;
    u.changed_at = now;
    FP_TRY(number, r.updates.put(u));
    changed += number > 0 ? 1 : 0;
  }
  if (changed == 0) return 0;
  FP_CHECK(r.site.set_value(kContentVersion, std::to_string(version + 1)));
  FP_TRY(id, r.site.value(kSourceId));
  FP_CHECK(policies_.update_source(r, id, version + 1));
  return changed;
}

Result<int> Synchronizer::take(const RepositorySource& source, const Fetched& fetched, Instant began) {
  auto offered = updates_of(source, fetched.release, fetched.packages);
  const auto count = static_cast<std::int64_t>(offered.size());
  return store_.write([&](Repositories& r) -> Result<int> {
    FP_TRY(changed, change(r, source.name, std::move(offered)));
    FP_CHECK(r.updates.put_source({source.name, began, clock_.now(), fetched.release.released_at, {}, count}));
    return changed;
  });
}

Status Synchronizer::note(const std::string& source, const std::string& problem, Instant began) {
  return store_.write([&](Repositories& r) -> Status {
    FP_TRY(known, r.updates.sources());
    UpdateSourceState state;
    for (const auto& s : known)
      if (s.name == source) state = s;
    state.name = source;
    state.tried_at = began;
    state.problem = problem;
    FP_CHECK(r.updates.put_source(state));
    return r.states.add_event({0, clock_.now(), 2, "sup.sync", {}, fmt::format("{}: {}", source, problem)});
  });
}

Result<int> Synchronizer::run_once(const std::function<bool()>& stop) {
  int changed = 0;
  for (const auto& source : options_.sources) {
    if (stop && stop()) return changed;
    const auto began = clock_.now();  // an order of later than this asks for another try
    const auto fetched = fetch_source(source, stop);
    if (!fetched && stop && stop()) return changed;
    const auto taken = fetched ? take(source, *fetched, began) : Result<int>(std::unexpected(fetched.error()));
    if (!taken) {
      log::error("sup.sync", "{}: {}", source.name, taken.error().message);
      FP_CHECK(note(source.name, taken.error().message, began));
      continue;
    }
    log::info("sup.sync", "{}: {} updates, {} of them new, changed or gone", source.name, fetched->packages.size(), *taken);
    changed += *taken;
  }
  return changed;
}

Result<Path> Synchronizer::fetch(const SoftwareUpdate& update) const {
  FP_TRY(name, parse_relative_path(update.file_name));
  FP_TRY(room, free_bytes(options_.folder));
  if (room < update.bytes + kRoomBytes) return fail(Code::io, "{} bytes are free below {}, and {} has {}", room, options_.folder.native(), name, update.bytes);
  Path folder = options_.folder / hex_lower(random_.bytes(8));
  FP_CHECK(make_dirs(folder, 0700));
  const auto fetched = [&]() -> Status {
    const Fd file(::open((folder / name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.ok()) return fail_errno("making", (folder / name).native());
    auto client = client_of(options_, 0, {});
    crypto::Sha256 hash;
    std::int64_t bytes = 0;
    Status written;
    net::ClientRequest request;
    request.url = update.url;
    request.on_headers = [](int status, const net::Headers&) { return status == 200; };
    request.sink = [&](std::string_view piece) {
      bytes += static_cast<std::int64_t>(piece.size());
      hash.update(piece);
      written = write_all(file.get(), piece);
      return written.has_value() && bytes <= update.bytes;
    };
    const auto reply = client.perform(request);
    FP_CHECK(written);
    if (bytes > update.bytes) return fail(Code::corrupt, "{}: it is longer than the {} bytes of the catalogue", update.url, update.bytes);
    if (!reply) return std::unexpected(reply.error().with_context(update.url));
    if (bytes != update.bytes || hex_lower(hash.finish()) != update.sha256)
      return fail(Code::corrupt, "{} is not the file that the signed catalogue names: its size or SHA-256 differs", update.url);
    return {};
  }();
  if (fetched) return folder;
  if (const Status gone = remove_tree(folder); !gone) log::warning("sup.sync", "{}", gone.error().message);
  return std::unexpected(fetched.error());
}

}  // namespace fp::sup
