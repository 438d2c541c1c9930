#include "pki/crl_store.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "crypto/hash.hpp"

namespace fp::pki {
namespace {

// One URL as one issuer's certificates name it. A list stands here only after its signature held for that issuer.
struct Remote {
  std::string url;
  Certificate issuer;
  std::optional<Crl> crl;
  std::string problem;  // of the last try; empty: it went well
  Instant tried_at;
  bool fetching = false;
  std::condition_variable done;
  Remote(std::string url_, Certificate issuer_) : url(std::move(url_)), issuer(std::move(issuer_)) {}
};

struct Loaded {
  std::string source;
  Path path;  // empty: handed in as bytes
  std::string hash;
  std::optional<Crl> crl;
  std::string problem;
};

// Why the list cannot be used now; empty: it can.
std::string outside_its_time(const Crl& crl, Instant now, const CrlSettings& settings) {
  if (crl.this_update() > now.plus_s(settings.skew_s)) return fmt::format("the list begins {}", to_iso(crl.this_update()));
  if (crl.next_update() <= now) return fmt::format("the list expired {}", to_iso(crl.next_update()));
  return {};
}

bool ends_soon(const Crl& crl, Instant now, const CrlSettings& settings) {
  const std::int64_t life_ms = crl.next_update().since_ms(crl.this_update());
  const std::int64_t ahead_ms = std::min(settings.refresh_ahead_s * 1000, life_ms / 2);
  return now >= crl.next_update().plus_ms(-ahead_ms);
}

}  // namespace

struct CrlStore::State {
  Fetch fetch;
  CrlSettings settings;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<Remote>> remotes;  // by issuer's key and URL
  std::vector<Loaded> loaded;

  std::shared_ptr<Remote> remote(const std::string& url, const Certificate& issuer);
  std::string download(std::unique_lock<std::mutex>& lock, Remote& r, Instant now);
  Result<Crl> obtain(const std::string& url, const Certificate& issuer, Instant now);
  Status read(Loaded& l);
};

// With the mutex held.
std::shared_ptr<Remote> CrlStore::State::remote(const std::string& url, const Certificate& issuer) {
  const std::string key = issuer.public_key().fingerprint() + " " + url;
  if (const auto found = remotes.find(key); found != remotes.end()) return found->second;
  if (remotes.size() >= settings.urls_max) {
    const auto oldest = std::ranges::min_element(remotes, {}, [](const auto& entry) { return entry.second->tried_at; });
    remotes.erase(oldest);
  }
  return remotes.emplace(key, std::make_shared<Remote>(url, issuer)).first->second;
}

// Fetches without the lock, stores with it. Returns the problem, empty when the list is here and current.
std::string CrlStore::State::download(std::unique_lock<std::mutex>& lock, Remote& r, Instant now) {
  r.fetching = true;
  lock.unlock();
  std::string problem;
  std::optional<Crl> fresh;
  const Result<std::string> bytes = fetch ? fetch(r.url) : fail(Code::unavailable, "nothing here fetches lists");
  if (!bytes) {
    problem = bytes.error().message;
  } else if (auto crl = Crl::parse(*bytes); !crl) {
    problem = crl.error().message;
  } else if (!crl->signed_by(r.issuer)) {
    problem = fmt::format("the list is not signed by {}", r.issuer.subject());
  } else {
    problem = outside_its_time(*crl, now, settings);
    fresh = std::move(*crl);
  }
  lock.lock();
  // An older list than the one at hand is somebody's replay, or a mirror that lags: it never replaces a newer one.
  if (fresh && problem.empty() && (!r.crl || fresh->this_update() >= r.crl->this_update())) r.crl = std::move(fresh);
  r.problem = problem;
  r.tried_at = now;
  r.fetching = false;
  r.done.notify_all();
  if (!problem.empty()) log::warning("pki.crl", "{}: {}", r.url, problem);
  return problem;
}

Result<Crl> CrlStore::State::obtain(const std::string& url, const Certificate& issuer, Instant now) {
  std::unique_lock lock(mutex);
  const std::shared_ptr<Remote> r = remote(url, issuer);
  for (;;) {
    if (r->crl && outside_its_time(*r->crl, now, settings).empty()) return *r->crl;
    if (!r->fetching) break;
    r->done.wait(lock);
    // What the other one found holds for everybody who waited.
    if (!r->problem.empty()) return fail(Code::unavailable, "{}: {}", url, r->problem);
  }
  const bool lately = !r->problem.empty() && now >= r->tried_at && now < r->tried_at.plus_s(settings.negative_s);
  if (lately) return fail(Code::unavailable, "{}: {}", url, r->problem);
  if (const std::string problem = download(lock, *r, now); !problem.empty())
    return fail(Code::unavailable, "{}: {}", url, problem);
  if (!r->crl || !outside_its_time(*r->crl, now, settings).empty()) return fail(Code::unavailable, "{}: no current list", url);
  return *r->crl;
}

Status CrlStore::State::read(Loaded& l) {
  auto bytes = read_file(l.path, limits::kCrlBytesMax);
  if (!bytes) {
    l.problem = bytes.error().message;
    return std::unexpected(bytes.error());
  }
  std::string hash = crypto::sha256(*bytes);
  if (hash == l.hash) return {};
  auto crl = Crl::parse(*bytes);
  if (!crl) {
    l.problem = crl.error().message;
    return std::unexpected(crl.error().with_context(l.source));
  }
  l.crl = std::move(*crl);
  l.hash = std::move(hash);
  l.problem.clear();
  return {};
}

CrlStore::CrlStore(Fetch fetch, CrlSettings settings) : state_(std::make_unique<State>()) {
  state_->fetch = std::move(fetch);
  state_->settings = settings;
}
CrlStore::~CrlStore() = default;

Status CrlStore::load_file(const Path& path) {
  Loaded l;
  l.source = path.string();
  l.path = path;
  Status status = state_->read(l);
  // Kept even when it cannot be read now: refresh() tries again.
  const std::lock_guard lock(state_->mutex);
  state_->loaded.push_back(std::move(l));
  return status;
}

Status CrlStore::load(std::string_view bytes, std::string source) {
  FP_TRY(crl, Crl::parse(bytes));
  Loaded l;
  l.source = std::move(source);
  l.crl = std::move(crl);
  const std::lock_guard lock(state_->mutex);
  state_->loaded.push_back(std::move(l));
  return {};
}

RevocationAnswer CrlStore::check(const Certificate& certificate, const Certificate& issuer, Instant now) {
  std::vector<Crl> lists;
  std::vector<std::string> problems;
  const auto consider = [&](const Crl& crl, std::string_view source) {
    std::string unfit = outside_its_time(crl, now, state_->settings);
    if (unfit.empty()) unfit = crl.unfit_for(certificate);
    if (unfit.empty())
      lists.push_back(crl);
    else
      problems.push_back(fmt::format("{}: {}", source, unfit));
  };
  std::vector<Loaded> loaded;
  {
    const std::lock_guard lock(state_->mutex);
    loaded = state_->loaded;
  }
  for (const Loaded& l : loaded)
    if (l.crl && l.crl->signed_by(issuer)) consider(*l.crl, l.source);
  for (const std::string& url : certificate.crl_urls()) {
    if (!lists.empty()) break;  // several distribution points hold the same list
    auto crl = state_->obtain(url, issuer, now);
    if (crl)
      consider(*crl, url);
    else
      problems.push_back(crl.error().message);
  }
  if (std::ranges::any_of(lists, [&](const Crl& crl) { return crl.lists(certificate); }))
    return {Revocation::revoked,
            fmt::format("the list of {} names its serial number {}", issuer.subject(), certificate.serial())};
  if (!lists.empty()) return {Revocation::good, {}};
  if (problems.empty())
    return {Revocation::unavailable, "it names no http distribution point and no list of its issuer was loaded"};
  return {Revocation::unavailable, fmt::format("{}", fmt::join(problems, "; "))};
}

std::size_t CrlStore::refresh(Instant now, bool all) {
  std::vector<std::shared_ptr<Remote>> due;
  std::vector<Loaded> files;
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [key, r] : state_->remotes)
      if (all || !r->crl || ends_soon(*r->crl, now, state_->settings) || now >= r->tried_at.plus_s(state_->settings.refetch_s))
        due.push_back(r);
    files = state_->loaded;
  }
  std::size_t renewed = 0;
  for (const auto& r : due) {
    std::unique_lock lock(state_->mutex);
    if (r->fetching) continue;
    const Instant before = r->crl ? r->crl->this_update() : Instant{};
    static_cast<void>(state_->download(lock, *r, now));
    if (r->crl && r->crl->this_update() > before) ++renewed;
  }
  for (Loaded& l : files) {
    if (l.path.empty()) continue;
    const std::string before = l.hash;
    if (const Status status = state_->read(l); !status) log::warning("pki.crl", "{}: {}", l.source, status.error().message);
    if (l.hash != before) ++renewed;
    const std::lock_guard lock(state_->mutex);
    for (Loaded& kept : state_->loaded)
      if (kept.path == l.path) kept = l;
  }
  return renewed;
}

std::vector<CrlStatus> CrlStore::status(Instant now) const {
  std::vector<CrlStatus> out;
  const auto row = [&](const std::string& source, const std::optional<Crl>& crl, const std::string& problem) {
    CrlStatus s{source, {}, {}, {}, 0, problem};
    if (crl) {
      s.issuer = crl->issuer();
      s.this_update = crl->this_update();
      s.next_update = crl->next_update();
      s.revoked = crl->size();
      // A list that is current is usable, whatever became of the last try to renew it.
      s.problem = outside_its_time(*crl, now, state_->settings);
    }
    out.push_back(std::move(s));
  };
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, r] : state_->remotes) row(r->url, r->crl, r->problem);
  for (const Loaded& l : state_->loaded) row(l.source, l.crl, l.problem);
  return out;
}

std::vector<Crl> CrlStore::current(Instant now) const {
  std::map<std::string, Crl> newest;  // by issuer
  const auto look = [&](const std::optional<Crl>& crl) {
    if (!crl || !outside_its_time(*crl, now, state_->settings).empty()) return;
    const auto [at, fresh] = newest.try_emplace(crl->issuer(), *crl);
    if (!fresh && at->second.this_update() < crl->this_update()) at->second = *crl;
  };
  const std::lock_guard lock(state_->mutex);
  for (const auto& [key, r] : state_->remotes) look(r->crl);
  for (const Loaded& l : state_->loaded) look(l.crl);
  std::vector<Crl> out;
  for (auto& [issuer, crl] : newest) out.push_back(std::move(crl));
  return out;
}

}  // namespace fp::pki
