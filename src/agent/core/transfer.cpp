#include "agent/core/transfer.hpp"

#include <algorithm>

#include "agent/core/chunk_file.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "packages/detector.hpp"
#include "wire/manifest.hpp"

namespace fp::agent {

namespace {

constexpr Backoff kRetry{30'000, 15 * 60 * 1000};
constexpr int kBadChunk = 100, kRefused = 10;  // strikes; a broken connection is 1
constexpr int kBadChunksMax = 3;
constexpr int kVendorStrikesMax = 3;  // then the distribution points are asked

struct Scored {
  Source source;
  int strikes = 0;
};

}  // namespace

struct Transfer::Work {
  memory::ContentJob job;
  Manifest manifest;
  std::vector<Scored> sources;
  std::optional<Scored> vendor;
  std::function<bool()> stop;
  int failures = 0;        // in a row, without a byte in between
  bool stopped = false;
  std::string problem;
  Instant more_at;         // when the next boundary group opens
  std::string giving;      // name of the source that gave the last bytes

  Scored& best() { return *std::ranges::min_element(sources, {}, &Scored::strikes); }
  // The manifest is the distribution points' business: the vendor has files.
  [[nodiscard]] bool vendor_first() const { return vendor && vendor->strikes < kVendorStrikesMax; }
  Scored& best_for_files() { return vendor_first() ? *vendor : best(); }
  // Bad chunks count for good: a source that mixes them with others would keep the loop alive for ever.
  [[nodiscard]] bool hopeless() const {
    if (sources.empty()) return true;
    const auto least = std::ranges::min(sources, {}, &Scored::strikes).strikes;
    return failures > 2 * static_cast<int>(sources.size()) || least >= kBadChunksMax * kBadChunk;
  }
  void strike(Scored& s, int strikes, const std::string& why) {
    s.strikes += strikes;
    ++failures;
    problem = fmt::format("{}: {}", s.source.name, why);
    log::warning("content-transfer", "{}: {}", job.content_id, problem);
  }
};

Transfer::Transfer(memory::Memory& memory, Transport& transport, const Clock& clock, Random& random, TransferSettings settings,
                   Locate locate)
    : memory_(memory), transport_(transport), clock_(clock), random_(random), settings_(std::move(settings)),
      locate_(std::move(locate)) {}

Path Transfer::partial_folder(const std::string& content_id) const { return settings_.cache / (content_id + ".partial"); }

Result<TransferOutcome> Transfer::wait(memory::ContentJob& job, std::string reason, Instant at_most) {
  job.next_at = clock_.now().plus_ms(std::max<std::int64_t>(5'000, kRetry.delay_ms(job.attempts, random_)));
  if (at_most.ms > 0) job.next_at = std::min(job.next_at, std::max(at_most, clock_.now().plus_ms(1'000)));
  ++job.attempts;
  job.reason = reason;
  FP_CHECK(memory_.save(job));
  FP_CHECK(memory_.record(clock_.now(), job.content_id, "waiting", reason));
  TransferOutcome out;
  out.retry_at = job.next_at;
  out.reason = std::move(reason);
  return out;
}

Result<TransferOutcome> Transfer::fetch(const ContentReference& content, bool persist, const std::vector<std::string>& in_use,
                                        bool forced, const std::function<bool()>& stop) {
  FP_TRY(there, verified(content));
  if (there) return TransferOutcome{TransferOutcome::Kind::ready, *there, {}, false, 0, "it is in the cache"};
  Work work;
  work.stop = stop;
  FP_TRY(known, memory_.job(content.content_id));
  if (known && known->root_hash == content.root_hash) {
    work.job = *known;
    if (work.job.next_at > clock_.now() && !forced) {
      return TransferOutcome{TransferOutcome::Kind::waiting, {}, work.job.next_at,
                             work.job.full_attempts > 0,     0,  work.job.reason};
    }
  } else {
    if (known) FP_CHECK(memory_.forget_job(content.content_id));
    work.job = {content.content_id, content.root_hash, content.bytes};
    work.job.created_at = clock_.now();
  }
  work.job.persist = persist;
  FP_CHECK(memory_.save(work.job));
  if (work.job.manifest.empty()) {
    FP_TRY(no_room, make_room(work.job, in_use));
    if (no_room) return *no_room;
  }
  choose_vendor(work, content);
  FP_TRY(nobody, find_sources(work));
  if (nobody) return *nobody;
  if (auto done = get_manifest(work); !done) return wait(work.job, done.error().message, work.more_at);
  // A disk that lost what it had promised is found out at the end; the second round fetches what is missing.
  for (int round = 0;; ++round) {
    if (auto done = get_files(work); !done) return wait(work.job, done.error().message, work.more_at);
    if (work.stopped) return wait(work.job, "interrupted; goes on where it stopped");
    auto done = finish(work);
    if (done) break;
    if (done.error().code != Code::corrupt || round > 0) return wait(work.job, done.error().message);
  }
  log::info("content-transfer", "{}: {} bytes are in the cache, {} came over the network", content.content_id,
            work.job.bytes_total, work.job.bytes_received);
  return TransferOutcome{TransferOutcome::Kind::ready, settings_.cache / content.content_id, {}, false, 0,
                         "downloaded and verified"};
}

// How long it has looked counts from when it began to where the client is now: another network has other sources.
Result<std::optional<TransferOutcome>> Transfer::find_sources(Work& work) {
  auto& job = work.job;
  const auto now = clock_.now();
  if (job.searching_since.ms == 0 || job.place != settings_.place || job.searching_since > now) {
    job.searching_since = now;
    job.place = settings_.place;
    FP_CHECK(memory_.save(job));
  }
  auto offer = locate_(job.content_id, now.since_ms(job.searching_since) / 60'000);
  if (!offer) {
    FP_TRY(out, wait(job, "asking for distribution points: " + offer.error().message));
    return out;
  }
  const auto more_at = offer->more_in_min < 0 ? Instant{} : job.searching_since.plus_ms(offer->more_in_min * 60'000);
  if (offer->sources.empty() && (job.manifest.empty() || !work.vendor)) {
    FP_TRY(out, wait(job, fmt::format("no distribution point offers this content here{}",
                                      more_at.ms == 0 ? "" : "; the next boundary group opens at " + to_iso(more_at)), more_at));
    return out;
  }
  work.more_at = more_at;
  for (auto& s : offer->sources) work.sources.push_back({std::move(s), 0});
  return std::nullopt;
}

// Which source gives it, and why that one; once per source.
Status Transfer::note_source(Work& work, const Source& source) {
  if (work.giving == source.name) return {};
  work.giving = source.name;
  FP_CHECK(memory_.set_property(kLastSource, source.name));
  return memory_.record(clock_.now(), work.job.content_id, "downloading", fmt::format("from {}: {}", source.name, source.because));
}

Result<std::optional<TransferOutcome>> Transfer::make_room(memory::ContentJob& job, const std::vector<std::string>& in_use) {
  FP_CHECK(make_dirs(settings_.cache, 0700));
  FP_TRY(held, memory_.cache());
  FP_TRY(jobs, memory_.jobs());
  std::vector<deployment::CacheEntry> entries;
  for (const auto& e : held) {
    const bool used = std::ranges::find(in_use, e.content_id) != in_use.end();
    entries.push_back({e.content_id, e.bytes, e.used_at, e.persist, used});
  }
  for (const auto& other : jobs) {
    if (other.content_id != job.content_id && !other.manifest.empty()) {
      entries.push_back({other.content_id, other.bytes_total, other.created_at, true, true});
    }
  }
  FP_TRY(free, free_bytes(settings_.cache));
  const deployment::CacheLimits limits{settings_.cache_bytes_max, settings_.keep_s,
                                       std::max<std::int64_t>(0, free - settings_.reserve_bytes)};
  const auto decision = deployment::decide_cache(job.bytes_total, entries, limits, job.full_attempts, false, clock_.now());
  const auto why = deployment::sentence(decision.reasons);
  using Kind = deployment::CacheDecision::Kind;
  if (decision.kind == Kind::evict) {
    for (const auto& id : decision.evict) {
      FP_CHECK(memory_.forget_cached(id));
      FP_CHECK(memory_.record(clock_.now(), id, "evicted", "made room for " + job.content_id));
      FP_CHECK(remove_tree(settings_.cache / id));
    }
  }
  if (decision.kind == Kind::fits || decision.kind == Kind::evict) {
    job.full_attempts = 0;
    return std::nullopt;
  }
  TransferOutcome out;
  out.cache_full = true;
  out.reason = why;
  FP_CHECK(memory_.record(clock_.now(), job.content_id, "cache", why));
  if (decision.kind == Kind::retry) {
    ++job.full_attempts;
    job.next_at = decision.retry_at.value_or(clock_.now().plus_s(deployment::kCacheRetryEveryS));
    job.reason = why;
    FP_CHECK(memory_.save(job));
    out.retry_at = job.next_at;
    return out;
  }
  out.kind = TransferOutcome::Kind::failed;
  out.status_id = decision.status_id;
  FP_CHECK(memory_.forget_job(job.content_id));
  return out;
}

Status Transfer::get_manifest(Work& work) {
  while (work.job.manifest.empty()) {
    auto& s = work.best();
    if (work.hopeless()) return fail(Code::unavailable, "no source has a good manifest; the last problem: {}", work.problem);
    Call call;
    call.url = s.source.url + ".manifest";
    call.reply_bytes_max = limits::kManifestBytesMax;
    auto reply = transport_.send(call);
    if (!reply) {
      work.strike(s, 1, reply.error().message);
      continue;
    }
    if (reply->status != 200) {
      work.strike(s, kRefused, fmt::format("the manifest was answered with {}", reply->status));
      continue;
    }
    auto manifest = wire::decode_manifest(reply->body);
    if (!manifest || manifest->root_hash != lower(work.job.root_hash)) {
      work.strike(s, kBadChunk, manifest ? "its manifest is not the one of the signed policy" : manifest.error().message);
      continue;
    }
    work.failures = 0;
    work.job.manifest = std::move(reply->body);
    work.job.bytes_total = manifest->total_bytes();
    work.job.state = memory::JobState::downloading;
    FP_CHECK(memory_.save(work.job));
  }
  FP_TRY(manifest, wire::decode_manifest(work.job.manifest));
  work.manifest = std::move(manifest);
  return {};
}

// A disk that somebody else fills while bytes come: the reserve still takes what the agent has to remember about it.
Status Transfer::check_disk(std::int64_t bytes) const {
  FP_TRY(free, free_bytes(settings_.cache));
  if (free >= bytes + settings_.reserve_bytes) return {};
  return fail(Code::io, "not enough disk space: {} more bytes are needed beside a reserve of {}, {} are free", bytes,
              settings_.reserve_bytes, free);
}

Status Transfer::get_files(Work& work) {
  const auto folder = partial_folder(work.job.content_id);
  FP_CHECK(make_dirs(folder, 0700));
  FP_TRY(saved, memory_.progress(work.job.content_id));
  std::int64_t done_before = 0;
  for (const auto& entry : work.manifest.files) {
    FP_TRY(relative, parse_relative_path(entry.path));
    const auto old = std::ranges::find(saved, entry.path, &memory::FileProgress::path);
    FP_TRY(file, ChunkFile::open(folder / relative, entry, work.manifest.chunk_bytes,
                                 old == saved.end() ? memory::FileProgress{entry.path, {}, -1, 0} : *old));
    if (const auto there = file.bytes_done(); there > 0 && !file.complete())
      log::info("content-transfer", "{}: {} goes on at byte {} of {}", work.job.content_id, entry.path, there, entry.size);
    const auto keep = [&]() -> Status {
      FP_CHECK(file.sync());
      work.job.bytes_done = done_before + file.bytes_done();
      return memory_.together([&]() -> Status {
        FP_CHECK(memory_.save_progress(work.job.content_id, file.progress()));
        return memory_.save(work.job);
      });
    };
    while (!file.complete() && !work.stopped) {
      if (!work.vendor_first() && work.hopeless()) {
        FP_CHECK(keep());
        return fail(Code::unavailable, "no source gives the rest; the last problem: {}", work.problem);
      }
      auto& s = work.best_for_files();
      FP_CHECK(check_disk(work.manifest.total_bytes() - done_before - file.bytes_done()));
      FP_TRY(gap, file.next_gap(settings_.request_bytes_max));
      Call call;
      call.url = s.source.url + "/" + percent_encode_path(entry.path);
      const bool from_vendor = call.stranger = work.vendor_first();
      std::optional<Error> broken;
      bool bad_chunk = false;
      const auto before = file.bytes_done();
      auto reply = transport_.fetch(call, gap.offset, gap.length, [&](std::string_view bytes) {
        work.job.bytes_received += static_cast<std::int64_t>(bytes.size());
        auto taken = file.take(bytes);
        if (!taken) broken = taken.error();
        else if (*taken == ChunkFile::Taken::bad_chunk) bad_chunk = true;
        if (!taken || *taken != ChunkFile::Taken::good) return false;
        if (file.unsynced_bytes() >= settings_.sync_bytes) {
          auto kept = keep();
          if (kept) kept = check_disk(settings_.sync_bytes);
          if (!kept) return broken = kept.error(), false;
        }
        work.stopped = work.stop && work.stop();
        return !work.stopped;
      });
      if (broken) return std::unexpected(broken->with_context(entry.path));
      if (file.bytes_done() > before) {
        work.failures = 0;
        FP_CHECK(note_source(work, s.source));
      }
      if (bad_chunk) {
        work.strike(s, kBadChunk, fmt::format("a chunk of {} does not match its hash", entry.path));
        FP_CHECK(memory_.record(clock_.now(), work.job.content_id, "bad chunk", work.problem));
      } else if (!reply && !work.stopped) {
        const auto code = reply.error().code;
        work.strike(s, code == Code::not_found || code == Code::forbidden || code == Code::conflict ? kRefused : 1,
                    reply.error().message);
      }
      if (from_vendor && !work.vendor_first()) FP_CHECK(leave_vendor(work));
      work.stopped = work.stopped || (work.stop && work.stop());
    }
    FP_CHECK(keep());
    if (work.stopped) return {};
    done_before += entry.size;
  }
  return {};
}

// What the seed says of internet clients: the vendor first, and where that fails a distribution point of the internet.
void Transfer::choose_vendor(Work& work, const ContentReference& content) const {
  using Vendor = TransferSettings::Vendor;
  if (content.vendor_url.empty() || settings_.vendor == Vendor::never) return;
  if (settings_.vendor == Vendor::https && !content.vendor_url.starts_with("https://")) {
    log::info("content-transfer", "{}: {} is not asked: a client that is only on the internet opens no plain HTTP connection",
              content.content_id, content.vendor_url);
    return;
  }
  work.vendor = Scored{{content.vendor_url, "the vendor, " + content.vendor_url, "on the internet the vendor comes first"}, 0};
}

Status Transfer::leave_vendor(Work& work) {
  work.failures = 0;
  const auto why = fmt::format("{}; the distribution points are asked for the rest", work.problem);
  log::info("content-transfer", "{}: {}", work.job.content_id, why);
  return memory_.record(clock_.now(), work.job.content_id, "vendor left", why);
}

Status Transfer::finish(Work& work) {
  const auto folder = partial_folder(work.job.content_id);
  for (const auto& entry : work.manifest.files) {
    FP_TRY(sum, packages::sha256_of_file(folder / entry.path));
    if (sum == entry.sha256) continue;
    FP_CHECK(memory_.save_progress(work.job.content_id, {entry.path, {}, -1, 0}));
    return fail(Code::corrupt, "{} does not match its hash on the disk; its chunks are looked at again", entry.path);
  }
  const auto target = settings_.cache / work.job.content_id;
  FP_CHECK(remove_tree(target));
  FP_CHECK(write_file(settings_.cache / (work.job.content_id + ".manifest"), work.job.manifest, 0600));
  FP_CHECK(rename_durable(folder, target));
  const auto now = clock_.now();
  return memory_.together([&]() -> Status {
    FP_CHECK(memory_.save(memory::CacheEntry{work.job.content_id, work.job.root_hash, target.string(),
                                             work.manifest.total_bytes(), now, now, work.job.persist}));
    FP_CHECK(memory_.record(now, work.job.content_id, "cached", "downloaded and verified"));
    return memory_.forget_job(work.job.content_id);
  });
}

Result<std::optional<Path>> Transfer::verified(const ContentReference& content) {
  FP_TRY(entry, memory_.cached(content.content_id));
  if (!entry) return std::nullopt;
  const auto whole = [&]() -> Status {
    if (entry->root_hash != content.root_hash) return fail(Code::corrupt, "the policy names another root hash");
    FP_TRY(text, read_file(settings_.cache / (content.content_id + ".manifest"), limits::kManifestBytesMax));
    FP_TRY(manifest, wire::decode_manifest(text));
    if (manifest.root_hash != lower(content.root_hash)) return fail(Code::corrupt, "its manifest is another");
    for (const auto& file : manifest.files) {
      FP_TRY(sum, packages::sha256_of_file(Path(entry->folder) / file.path));
      if (sum != file.sha256) return fail(Code::corrupt, "{} does not match its hash", file.path);
    }
    return {};
  };
  if (auto good = whole(); !good) {
    log::warning("content-access", "{}: dropped from the cache: {}", content.content_id, good.error().message);
    FP_CHECK(memory_.record(clock_.now(), content.content_id, "dropped", good.error().message));
    FP_CHECK(memory_.forget_cached(content.content_id));
    FP_CHECK(remove_tree(Path(entry->folder)));
    return std::nullopt;
  }
  entry->used_at = clock_.now();
  FP_CHECK(memory_.save(*entry));
  return Path(entry->folder);
}

Status Transfer::tidy() {
  FP_TRY(held, memory_.cache());
  FP_TRY(jobs, memory_.jobs());
  std::vector<std::string> wanted;
  for (const auto& e : held) wanted.insert(wanted.end(), {e.content_id, e.content_id + ".manifest"});
  for (const auto& j : jobs) wanted.push_back(j.content_id + ".partial");
  std::error_code ec;
  std::vector<Path> stray;
  for (const auto& entry : std::filesystem::directory_iterator(settings_.cache, ec)) {
    const auto name = entry.path().filename().string();
    const bool ours = name.ends_with(".partial") || name.ends_with(".manifest") || parse_content_id(name).has_value();
    if (ours && std::ranges::find(wanted, name) == wanted.end()) stray.push_back(entry.path());
  }
  for (const auto& path : stray) FP_CHECK(remove_tree(path));
  return {};
}

}  // namespace fp::agent
