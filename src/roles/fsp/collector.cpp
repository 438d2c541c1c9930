#include "roles/fsp/collector.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/cms.hpp"
#include "wire/fallback.hpp"

namespace fp::fsp {
namespace {

using store::Repositories;

constexpr const char* kCalls = "/farpoint/fsp/v1/";
constexpr std::size_t kWordsBytesMax = 300;
constexpr std::int64_t kNoteEveryMs = 60'000;  // that a status point still answers

}  // namespace

Collector::Collector(store::Store& store, const Clock& clock, Ask ask, std::optional<site::SealingKey> sealing)
    : store_(store), clock_(clock), ask_(std::move(ask)), sealing_(std::move(sealing)) {}

Result<std::string> Collector::call(const std::string& name, const std::string& method, const std::string& what, std::string body) const {
  if (!ask_) return fail(Code::unavailable, "this site has no certificate for the site link: admin.link_certificate");
  net::Request request;
  request.method = method;
  request.target = kCalls + what;
  request.headers = {{"Host", name}};
  request.body = std::move(body);
  request.peer.door = Door::intranet_https;
  FP_TRY(answer, ask_(name, request));
  FP_TRY(reply, net::body_of(answer));
  if (answer.status == 200 || answer.status == 204) return reply;
  const std::string words = is_utf8(reply) ? std::string(trim(reply)).substr(0, kWordsBytesMax) : std::string{};
  return fail(Code::unavailable, "it answers {}{}{}", answer.status, words.empty() ? "" : ": ",
              answer.status == 404 ? "its host is no fallback status point by its own configuration" : words);
}

std::vector<FallbackMessage> Collector::read(const wire::SpooledMessage& spooled, std::string_view fsp) const {
  const bool sealed = wire::is_sealed_fallback(spooled.content_type, spooled.body);
  const auto decoded = [&]() -> Result<std::vector<FallbackMessage>> {
    if (!sealed) return wire::decode_fallback(spooled.content_type, spooled.body);
    if (!sealing_) return fail(Code::invalid, "it is sealed, and this site has no key to open it with");
    FP_TRY(plain, crypto::open(spooled.body, sealing_->key, sealing_->certificate.der()));
    return wire::decode_fallback(wire::kFallbackType, plain);
  };
  auto messages = decoded();
  if (!messages) {
    FallbackMessage unreadable;
    unreadable.details = "it cannot be read: " + messages.error().message;
    messages = std::vector<FallbackMessage>{std::move(unreadable)};
  }
  for (auto& m : *messages) {
    m.fsp = fsp;
    m.message_id = spooled.id;
    m.sealed = sealed;
    m.address = spooled.address;
    m.received_at = spooled.received_at;
  }
  return std::move(*messages);
}

Result<int> Collector::keep(const FallbackPoint& point, const wire::SpoolBatch& batch) {
  std::vector<FallbackMessage> all;
  for (const auto& spooled : batch.messages) {
    auto some = read(spooled, point.name);
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return store_.write([&](Repositories& r) -> Result<int> {
    int fresh = 0;
    for (auto& m : all) {
      m.stored_at = r.change;
      FP_TRY(added, r.fallback.add(m));
      fresh += added ? 1 : 0;
    }
    return fresh;
  });
}

Result<int> Collector::collect(FallbackPoint point, const std::function<bool()>& stop) {
  const FallbackPoint before = point;
  int fresh = 0;
  point.asked_at = clock_.now();
  const auto work = [&]() -> Status {
    while (!stop || !stop()) {
      FP_TRY(text, call(point.name, "GET", "messages"));
      FP_TRY(batch, wire::decode_spool_batch(text));
      point.answered_at = clock_.now();
      point.waiting = std::max<std::int64_t>(0, batch.counts.waiting - static_cast<std::int64_t>(batch.messages.size()));
      point.accepted = batch.counts.accepted;
      point.refused = batch.counts.refused;
      point.throttled = batch.counts.throttled;
      if (batch.messages.empty()) return {};
      FP_TRY(added, keep(point, batch));
      fresh += added;
      std::vector<std::string> ids;
      for (const auto& m : batch.messages) ids.push_back(m.id);
      FP_CHECK(call(point.name, "POST", "receipts", wire::encode_receipts(ids)));
      if (point.waiting == 0) return {};
    }
    return {};
  };
  const Status done = work();
  point.problem = done ? "" : done.error().message;
  point.fetched += fresh;
  if (point.problem != before.problem) {
    if (done) log::info("fsp", "{} answers again", point.name);
    else log::warning("fsp", "{}: {}", point.name, point.problem);
  }
  // An idle point is not written at each look: nobody needs the time of it to the second.
  const bool same = point.problem == before.problem && fresh == 0 && point.throttled == before.throttled &&
                    point.refused == before.refused && point.waiting == before.waiting;
  if (same && point.asked_at.since_ms(before.asked_at) < kNoteEveryMs) return fresh;
  const Status noted = store_.write([&](Repositories& r) -> Status {
    auto now = r.fallback.find_point(point.name);
    if (!now) return now.error().code == Code::not_found ? Status() : std::unexpected(now.error());  // taken off meanwhile
    point.fingerprint = now->fingerprint;
    point.link = now->link;
    point.comment = now->comment;
    return r.fallback.put_point(point);
  });
  FP_CHECK(noted);
  return fresh;
}

Result<int> Collector::run_once(const std::function<bool()>& stop) {
  FP_TRY(points, store_.read([](Repositories& r) { return r.fallback.points(); }));
  int fresh = 0;
  for (auto& point : points) {
    if (stop && stop()) break;
    FP_TRY(some, collect(std::move(point), stop));
    fresh += some;
  }
  return fresh;
}

}  // namespace fp::fsp
