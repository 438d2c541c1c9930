#include "agent/core/update_conversation.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/wsus_metadata.hpp"

namespace fp::agent {
namespace {

namespace wsus = wire::wsus;
using namespace wire::wsus_limits;

constexpr const char* kProtocolVersion = "2.90";
constexpr std::size_t kPagesMax = kUpdatesMax / kPageUpdatesMax + 200;
constexpr int kScanGood = 147, kScanFailed = 148;  // events

// Which faults a new beginning heals.
bool wants_beginning(wsus::Problem problem) {
  using enum wsus::Problem;
  return problem == invalid_cookie || problem == cookie_expired || problem == config_changed || problem == server_changed;
}

}  // namespace

UpdateConversation::UpdateConversation(Transport& transport, memory::Memory& memory, const Clock& clock, std::string base, std::string client_id,
                                       const Names& names)
    : transport_(transport), memory_(memory), clock_(clock), base_(std::move(base)), names_(names) {
  client_id_ = lower(client_id.starts_with("GUID:") ? client_id.substr(5) : client_id);
}

Result<std::string> UpdateConversation::ask(const wsus::Request& request) {
  const auto encoded = wsus::encode_request(request);
  Call call;
  call.method = "POST";
  call.url = base_ + std::string(encoded.path);
  call.headers = {{"Content-Type", "text/xml; charset=utf-8"}, {"SOAPAction", encoded.action}};
  call.body = encoded.body;
  call.reply_bytes_max = kReplyBytesMax;
  FP_TRY(reply, transport_.send(call));
  if (reply.status == 200) return std::move(reply.body);
  const auto fault = reply.status == 500 ? wsus::decode_fault(reply.body) : std::nullopt;
  if (!fault) return fail(Code::unavailable, "{} answered {}", call.url, reply.status);
  again_wanted_ = wants_beginning(fault->problem);
  const Code code = fault->problem == wsus::Problem::invalid_parameters ? Code::invalid : Code::unavailable;
  return fail(code, "{} answered {} with {}: {}", base_, wsus::name_of(request), wsus::name_of(fault->problem), fault->message);
}

Status UpdateConversation::begin(const deployment::PackageIndex& device) {
  FP_TRY(config_body, ask(wsus::GetConfig{kProtocolVersion}));
  FP_TRY(config, wsus::decode_config(config_body));
  FP_TRY(authorization_body, ask(wsus::GetAuthorizationCookie{client_id_, names_.fqdn, {}}));
  FP_TRY(authorization, wsus::decode_authorization_cookie(authorization_body));
  FP_TRY(cookie_body, ask(wsus::GetCookie{"SimpleTargeting", std::move(authorization), config.last_change, clock_.now(), kProtocolVersion}));
  FP_TRY(cookie, wsus::decode_cookie(cookie_body));
  cookie_ = std::move(cookie);
  if (!config.registration_required) return {};
  FP_TRY(registered, ask(wsus::RegisterComputer{cookie_, names_.fqdn, "Linux", device.architecture()}));
  (void)registered;
  return {};
}

void UpdateConversation::know(const memory::CachedUpdate& update, const deployment::PackageIndex& device) {
  bool holds = false;
  if (!update.leaf && !update.fragment.empty())
    if (const auto metadata = wire::decode_core_fragment(update.fragment)) holds = device.holds(metadata->is_installed);
  known_[update.number] = holds;
}

Status UpdateConversation::take(const wsus::SyncInfo& info, const deployment::PackageIndex& device) {
  cookie_ = info.cookie;
  return memory_.together([&]() -> Status {
    for (const auto number : info.out_of_scope) {
      known_.erase(number);
      FP_CHECK(memory_.forget_cached_update(number));
    }
    for (const auto& u : info.updates) {
      memory::CachedUpdate cached{u.number, u.leaf, u.fragment};
      if (const auto readable = wire::decode_core_fragment(u.fragment); !readable) {
        log::warning("updates", "the metadata of revision {} cannot be read: {}", u.number, readable.error().message);
        cached.fragment.clear();
        ++unreadable_;
      }
      FP_CHECK(memory_.save(cached));
      know(cached, device);
    }
    return {};
  });
}

Status UpdateConversation::pull(const deployment::PackageIndex& device) {
  known_.clear();
  FP_TRY(cached, memory_.cached_updates());
  for (const auto& u : cached) know(u, device);
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    wsus::SyncUpdates request;
    request.cookie = cookie_;
    for (const auto& [number, holds] : known_) (holds ? request.installed_non_leaf : request.other_cached).push_back(number);
    FP_TRY(body, ask(request));
    FP_TRY(info, wsus::decode_sync_info(body));
    FP_CHECK(take(info, device));
    if (info.updates.empty()) return {};
  }
  return fail(Code::invalid, "{} has something new for ever: {} pages and no end", base_, kPagesMax);
}

Status UpdateConversation::synchronise(const deployment::PackageIndex& device) {
  for (;;) {
    again_wanted_ = false;
    auto done = begin(device);
    if (done) done = pull(device);
    if (done || !again_wanted_ || begun_again_) return done;
    begun_again_ = true;
    log::info("updates", "{}: beginning again", done.error().message);
  }
}

Result<std::map<std::int64_t, std::string>> UpdateConversation::titles(const std::vector<std::int64_t>& numbers) {
  std::map<std::int64_t, std::string> out;
  for (std::size_t at = 0; at < numbers.size(); at += kExtendedIdsMax) {
    const auto end = std::min(at + kExtendedIdsMax, numbers.size());
    wsus::GetExtendedUpdateInfo request{cookie_, {numbers.begin() + static_cast<std::ptrdiff_t>(at), numbers.begin() + static_cast<std::ptrdiff_t>(end)}};
    FP_TRY(body, ask(request));
    FP_TRY(info, wsus::decode_extended_info(body));
    for (const auto& f : info.fragments)
      if (auto title = wire::decode_localized_fragment(f.xml)) out[f.number] = std::move(*title);
  }
  return out;
}

void UpdateConversation::report(bool good) {
  if (cookie_.data.empty()) return;
  const auto told = ask(wsus::ReportEventBatch{cookie_, {{good ? kScanGood : kScanFailed, 0, {}}}});
  if (!told) log::debug("updates", "{}", told.error().message);
}

}  // namespace fp::agent
