#include "roles/dp/distributor.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.hpp"
#include "roles/dp/link_client.hpp"
#include "roles/dp/pull_worker.hpp"

namespace fp::dp {
namespace {

using store::Repositories;
constexpr std::int64_t kNoteEveryMs = 500;  // progress that the console sees
constexpr int kCommitTries = 3;

Result<std::string> read_chunk(const content::OpenFile& file, std::int64_t offset, std::int64_t chunk_bytes) {
  std::string out(static_cast<std::size_t>(std::clamp<std::int64_t>(file.size_bytes - offset, 0, chunk_bytes)), '\0');
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t n = ::pread(file.file->get(), out.data() + got, out.size() - got, offset + static_cast<std::int64_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("reading a library file");
    got += static_cast<std::size_t>(n);
  }
  return out;
}

// Exactly: the last chunk of a file is shorter than the others.
std::int64_t missing_bytes(const Manifest& manifest, const std::vector<wire::MissingFile>& files) {
  std::int64_t sum = 0;
  for (const auto& file : files) {
    const auto known = std::ranges::find(manifest.files, file.sha256, &ManifestFile::sha256);
    if (known == manifest.files.end()) continue;
    for (const auto& run : file.runs)
      sum += std::clamp<std::int64_t>(known->size - run.first * manifest.chunk_bytes, 0, run.count * manifest.chunk_bytes);
  }
  return sum;
}

}  // namespace

Distributor::Distributor(store::Store& store, content::Library& library, const Clock& clock, Random& random,
                         DistributorOptions options)
    : store_(store), library_(library), clock_(clock), options_(std::move(options)), salt_(random.u64()) {}

LinkClient Distributor::client_of(const fp::DistributionPoint& dp) const {
  if (dp.over_link && options_.over_link) return {dp.name, options_.over_link};
  return {push_url_of(dp), options_.identity};
}

Status Distributor::order(std::string_view content_id, std::string_view dp, DistributionState state) {
  const Distribution wanted{std::string(dp), std::string(content_id), state, {}, 0, 0, clock_.now()};
  return store_.write([&](Repositories& r) { return r.contents.put_distribution(wanted); });
}

Status Distributor::distribute(std::string_view content_id, std::string_view dp) {
  return order(content_id, dp, DistributionState::pending);
}

Status Distributor::withdraw(std::string_view content_id, std::string_view dp) {
  return order(content_id, dp, DistributionState::removing);
}

Status Distributor::note(const Distribution& distribution) {
  Distribution now = distribution;
  now.updated_at = clock_.now();
  return store_.write([&](Repositories& r) -> Status {
    FP_TRY(rows, r.contents.distributions(now.content_id));
    const auto row = std::ranges::find(rows, now.dp, &Distribution::dp);
    if (row == rows.end() || (row->state == DistributionState::removing && now.state != DistributionState::removing))
      return fail(Code::conflict, "{} was taken off {} meanwhile", now.content_id, now.dp);
    return r.contents.put_distribution(now);
  });
}

Status Distributor::forget(const Distribution& distribution) {
  FP_TRY(last, store_.read([&](Repositories& r) -> Result<bool> {
    FP_TRY(rows, r.contents.distributions(distribution.content_id));
    const auto version = r.contents.find(distribution.content_id);
    if (!version && version.error().code != Code::not_found) return std::unexpected(version.error());
    return !version && rows.size() <= 1;
  }));
  // The local library is also where the site pushes from: its content goes last. Files before the row, so that a crash between
  // the two leaves the row to come back to.
  if (last) FP_CHECK(library_.remove(distribution.content_id));
  FP_CHECK(store_.write([&](Repositories& r) { return r.contents.remove_distribution(distribution.dp, distribution.content_id); }));
  log::info("distribution", "{} is off {}{}", distribution.content_id, distribution.dp, last ? ", and gone from the site" : "");
  return {};
}

bool Distributor::due(const Distribution& distribution) const {
  if (distribution.state == DistributionState::ok) return false;
  if (distribution.attempts == 0) return true;
  // The same draw for the same try, whoever asks how often.
  const std::string key = fmt::format("{} {} {}", distribution.dp, distribution.content_id, distribution.attempts);
  SeededRandom draw(salt_ ^ std::hash<std::string>{}(key));
  return clock_.now().since_ms(distribution.updated_at) >= options_.retry.delay_ms(distribution.attempts - 1, draw);
}

Result<std::vector<std::string>> Distributor::source_urls(const fp::DistributionPoint& for_dp, std::string_view content_id) {
  return store_.read([&](Repositories& r) -> Result<std::vector<std::string>> {
    FP_TRY(dps, r.contents.list_dps());
    FP_TRY(distributions, r.contents.distributions(content_id));
    const auto has_it = [&](const std::string& name) {
      return std::ranges::any_of(distributions,
                                 [&](const Distribution& d) { return d.dp == name && d.state == DistributionState::ok; });
    };
    std::vector<std::string> names = for_dp.pull_sources, out;
    if (names.empty())
      for (const auto& dp : dps) names.push_back(dp.name);
    for (const auto& name : names) {
      const auto dp = std::ranges::find(dps, name, &fp::DistributionPoint::name);
      if (dp == dps.end() || name == for_dp.name || dp->maintenance || !has_it(name)) continue;
      out.push_back(dp->intranet_url.empty() ? dp->internet_url : dp->intranet_url);
    }
    std::erase(out, std::string{});
    return out;
  });
}

Status Distributor::bring_local(const fp::DistributionPoint& dp, const Distribution& distribution) {
  const auto whole = [&] {
    const auto content = library_.find(distribution.content_id);
    return content && (*content)->manifest().content_id == distribution.content_id &&
           library_.known_bad(distribution.content_id).empty();
  };
  if (whole()) return {};
  FP_TRY(version, store_.read([&](Repositories& r) { return r.contents.find(distribution.content_id); }));
  FP_TRY(sources, source_urls(dp, distribution.content_id));
  std::string why = "no other distribution point has it";
  if (!sources.empty()) {
    PullWorker worker(library_, options_.identity);
    const Status pulled = worker.fetch({version.content_id, version.root_hash, sources});
    if (pulled) return {};
    why = pulled.error().message;
  }
  if (!version.source_path.empty() && library_.find(distribution.content_id)) {
    const auto restored = library_.restore(distribution.content_id, version.source_path);
    if (restored && whole()) return {};
    why += restored ? "; its source does not hold these bytes any more" : "; " + restored.error().message;
  }
  return fail(Code::unavailable, "{} is not whole in the library: {}", distribution.content_id, why);
}

Status Distributor::push_file(LinkClient& link, const Manifest& manifest, const wire::MissingFile& file, const OnSent& sent) {
  FP_TRY(open, library_.open_file(file.sha256));
  for (const auto& run : file.runs) {
    for (std::int64_t index = run.first; index < run.first + run.count; ++index) {
      FP_TRY(bytes, read_chunk(open, index * manifest.chunk_bytes, manifest.chunk_bytes));
      const auto size = static_cast<std::int64_t>(bytes.size());
      FP_CHECK(link.put_chunk(manifest.content_id, file.sha256, index, std::move(bytes)));
      FP_CHECK(sent(size));
    }
  }
  return {};
}

Status Distributor::push(const fp::DistributionPoint& dp, Distribution& distribution, const std::function<bool()>& stop) {
  FP_TRY(content, library_.find(distribution.content_id));
  const Manifest& manifest = content->manifest();
  LinkClient link = client_of(dp);
  FP_CHECK(link.put_manifest(manifest));
  std::int64_t sent_bytes = 0, noted_at_ms = clock_.steady_ms();
  const auto sent = [&](std::int64_t bytes) -> Status {
    sent_bytes += bytes;
    distribution.bytes_done += bytes;
    if (stop && stop()) return fail(Code::unavailable, "stopped; it goes on where it was");
    if (clock_.steady_ms() - noted_at_ms < kNoteEveryMs) return {};
    noted_at_ms = clock_.steady_ms();
    return note(distribution);
  };
  for (int attempt = 0; attempt < kCommitTries; ++attempt) {
    FP_TRY(files, link.missing(manifest.content_id));
    distribution.bytes_done = std::max<std::int64_t>(0, manifest.total_bytes() - missing_bytes(manifest, files));
    FP_CHECK(note(distribution));
    log::info("distribution", "{} to {}: {} of {} bytes are there", manifest.content_id, dp.name, distribution.bytes_done,
              manifest.total_bytes());
    for (const auto& file : files) FP_CHECK(push_file(link, manifest, file, sent));
    const Status committed = link.commit(manifest.content_id);
    if (committed) {
      log::info("distribution", "{} to {}: {} bytes sent", manifest.content_id, dp.name, sent_bytes);
      return {};
    }
    if (committed.error().code != Code::conflict && committed.error().code != Code::corrupt) return committed;
  }
  return fail(Code::unavailable, "{} does not come to an end: chunks are missing again after each commit", manifest.content_id);
}

Status Distributor::order_pull(const fp::DistributionPoint& dp, Distribution& distribution) {
  FP_TRY(version, store_.read([&](Repositories& r) { return r.contents.find(distribution.content_id); }));
  LinkClient link = client_of(dp);
  FP_TRY(held, link.held(version.content_id));
  if (held.state == "ok" && held.root_hash == version.root_hash) {
    distribution.state = DistributionState::ok;
    return {};
  }
  const bool ordered = distribution.state == DistributionState::transferring;
  distribution.state = DistributionState::transferring;
  distribution.bytes_done = held.bytes_done;
  distribution.detail = held.detail;
  if (held.state == "pulling" || held.state == "receiving") return {};
  // It goes on trying by itself; whoever asks sees why it has not come yet. A new order clears the old reason.
  if (held.state == "failed" && ordered) return fail(Code::unavailable, "{}", held.detail);
  FP_TRY(sources, source_urls(dp, version.content_id));
  if (sources.empty()) {  // no failure, and looked at again at once: a source may be getting it in this very pass
    distribution.state = DistributionState::pending;
    distribution.detail = "none of its sources has the content yet";
    return {};
  }
  return link.pull({version.content_id, version.root_hash, sources});
}

Status Distributor::take_off(const fp::DistributionPoint& dp, const Distribution& distribution) {
  if (!dp.local) {
    LinkClient link = client_of(dp);
    FP_CHECK(link.remove(distribution.content_id));
  }
  return forget(distribution);
}

Status Distributor::work_on(const fp::DistributionPoint& dp, Distribution& distribution, const std::function<bool()>& stop) {
  if (distribution.state == DistributionState::removing) return take_off(dp, distribution);
  const Distribution before = distribution;
  if (dp.pull) {
    FP_CHECK(order_pull(dp, distribution));
  } else {
    distribution.state = DistributionState::transferring;
    FP_CHECK(note(distribution));
    FP_CHECK(dp.local ? bring_local(dp, distribution) : push(dp, distribution, stop));
    distribution.state = DistributionState::ok;
  }
  distribution.attempts = 0;
  if (distribution.state == DistributionState::ok) {
    distribution.detail.clear();
    if (const auto content = library_.find(distribution.content_id))
      distribution.bytes_done = (*content)->manifest().total_bytes();
    log::info("distribution", "{} is on {}", distribution.content_id, dp.name);
  }
  const bool same = distribution.state == before.state && distribution.detail == before.detail && distribution.bytes_done == before.bytes_done;
  return same && before.attempts == 0 ? Status() : note(distribution);
}

Result<int> Distributor::run_once(const std::function<bool()>& stop) {
  std::vector<fp::DistributionPoint> dps;
  FP_TRY(distributions, store_.read([&](Repositories& r) -> Result<std::vector<Distribution>> {
    FP_TRY(list, r.contents.list_dps());
    dps = std::move(list);
    return r.contents.distributions({});
  }));
  int settled = 0;
  for (auto& distribution : distributions) {
    if (stop && stop()) break;
    const auto dp = std::ranges::find(dps, distribution.dp, &fp::DistributionPoint::name);
    if (!due(distribution)) continue;
    if (dp == dps.end()) {
      FP_CHECK(forget(distribution));
      continue;
    }
    if (dp->maintenance && distribution.state != DistributionState::removing) continue;
    const bool removing = distribution.state == DistributionState::removing;
    const Status done = work_on(*dp, distribution, stop);
    if (done) {
      if (removing || distribution.state == DistributionState::ok) ++settled;
      continue;
    }
    if (stop && stop()) break;  // no failure: the row says what is to go on with at the next start
    log::warning("distribution", "{} to {}: {}", distribution.content_id, distribution.dp, done.error().message);
    if (!removing) distribution.state = DistributionState::failed;
    distribution.detail = done.error().message;
    ++distribution.attempts;
    if (const Status noted = note(distribution); !noted && noted.error().code != Code::conflict) return std::unexpected(noted.error());
  }
  return settled;
}

Result<std::vector<wire::FindingLine>> Distributor::examine(const fp::DistributionPoint& dp, std::string_view content_id) {
  std::vector<wire::FindingLine> out;
  if (dp.local) {
    FP_TRY(findings, library_.validate(content_id));
    for (const auto& f : findings) out.push_back({f.content_id, f.path, f.sha256, std::string(content::to_string(f.problem))});
    return out;
  }
  FP_TRY(distributions, store_.read([&](Repositories& r) { return r.contents.distributions(content_id); }));
  LinkClient link = client_of(dp);
  for (const auto& distribution : distributions) {
    if (distribution.dp != dp.name || distribution.state != DistributionState::ok) continue;
    auto findings = link.validate(distribution.content_id);
    if (!findings && findings.error().code == Code::not_found)
      findings = std::vector<wire::FindingLine>{{distribution.content_id, distribution.content_id + ".manifest", {}, "missing"}};
    if (!findings)
      return std::unexpected(findings.error().with_context("validating " + distribution.content_id + " on " + dp.name));
    out.insert(out.end(), findings->begin(), findings->end());
  }
  return out;
}

Status Distributor::record(const fp::DistributionPoint& dp, const std::vector<wire::FindingLine>& findings, bool everything) {
  return store_.write([&](Repositories& r) -> Status {
    FP_TRY(distributions, r.contents.distributions({}));
    for (auto& distribution : distributions) {
      const auto found = std::ranges::find_if(
          findings, [&](const wire::FindingLine& f) { return f.content_id == distribution.content_id; });
      if (distribution.dp != dp.name || distribution.state == DistributionState::removing || found == findings.end()) continue;
      distribution.state = DistributionState::corrupt;
      distribution.attempts = 0;
      distribution.detail = fmt::format("{}: {}", found->path, found->problem);
      distribution.updated_at = clock_.now();
      FP_CHECK(r.contents.put_distribution(distribution));
    }
    for (const auto& f : findings)
      FP_CHECK(r.states.add_event(
          {0,
           clock_.now(),
           2,
           "distribution",
           {},
           fmt::format("{} on {}: {} is corrupt ({}); it is fetched again", f.content_id, dp.name, f.path, f.problem)}));
    if (!everything) return {};
    FP_TRY(stored, r.contents.find_dp(dp.name));
    stored.validated_at = clock_.now();
    return r.contents.put_dp(stored);
  });
}

Result<std::vector<wire::FindingLine>> Distributor::validate(std::string_view dp_name, std::string_view content_id) {
  FP_TRY(dp, store_.read([&](Repositories& r) { return r.contents.find_dp(dp_name); }));
  FP_TRY(findings, examine(dp, content_id));
  FP_CHECK(record(dp, findings, content_id.empty()));
  log::info("distribution", "validation of {}: {} bad files", dp.name, findings.size());
  return findings;
}

Result<std::vector<wire::FindingLine>> Distributor::validate_due() {
  FP_TRY(dps, store_.read([](Repositories& r) { return r.contents.list_dps(); }));
  std::vector<wire::FindingLine> out;
  for (const auto& dp : dps) {
    if (dp.validate_every_h <= 0 || clock_.now().since_ms(dp.validated_at) < dp.validate_every_h * 3'600'000) continue;
    const auto findings = validate(dp.name);
    if (findings) out.insert(out.end(), findings->begin(), findings->end());
    else log::warning("distribution", "validation of {}: {}", dp.name, findings.error().message);
  }
  return out;
}

}  // namespace fp::dp
