// Fallback status points of the site, and what came through them.
#include "roles/admin/fallback.hpp"

#include "base/ids.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"
#include "roles/admin/lookup.hpp"
#include "wire/state_names.hpp"

namespace fp::admin {
namespace {

using namespace access;

constexpr std::size_t kCommentBytesMax = 500, kLinkBytesMax = 300;

json::value time_of(Instant at) { return at.ms == 0 ? json::value(nullptr) : json::value(to_iso_ms(at)); }

json::object point_answer(const Context& c, const FallbackPoint& p) {
  const auto states = c.hooks.link_states ? c.hooks.link_states() : std::map<std::string, std::string>();
  const auto state = states.find(p.name);
  return {{"name", p.name},         {"fingerprint", p.fingerprint}, {"link", p.link}, {"comment", p.comment},
          {"link_state", state == states.end() ? "not known yet" : state->second},
          {"asked_at", time_of(p.asked_at)}, {"answered_at", time_of(p.answered_at)}, {"problem", p.problem},
          {"waiting", p.waiting},   {"accepted", p.accepted}, {"refused", p.refused},
          {"throttled", p.throttled}, {"fetched", p.fetched}};
}

Result<Answer> list_points(Context& c) {
  FP_TRY(all, c.store.read([](Repositories& r) { return r.fallback.points(); }));
  json::array items;
  for (const auto& point : all) items.push_back(point_answer(c, point));
  return Answer{200, json::object{{"items", std::move(items)}}, {}};
}

Result<std::string> text_in(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value) return std::string();
  if (!value->is_string()) return fail(Code::invalid, "{}: must be a text", name);
  return std::string(value->as_string());
}

Result<FallbackPoint> point_of_body(const Context& c) {
  FP_TRY(body, c.body());
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  for (const auto& [key, value] : body.as_object())
    if (key != "fingerprint" && key != "link" && key != "comment") return fail(Code::invalid, "{}: is not known", std::string_view(key));
  FallbackPoint point;
  FP_TRY(name, parse_host(c.params[0]));
  point.name = name;
  FP_TRY(fingerprint, text_in(body.as_object(), "fingerprint"));
  point.fingerprint = lower(fingerprint);
  if (!point.fingerprint.empty() && (point.fingerprint.size() != 64 || !unhex(point.fingerprint)))
    return fail(Code::invalid, "fingerprint: must be 64 hexadecimal digits: the SHA-256 of the certificate that the host shows on the site link");
  FP_TRY(link, text_in(body.as_object(), "link"));
  if (point.fingerprint.empty() != link.empty()) return fail(Code::invalid, "link: fingerprint and link go together: the site opens the link");
  if (!link.empty() && (link.size() > kLinkBytesMax || !parse_host_port(link)))
    return fail(Code::invalid, "link: must be HOST:PORT, where the site opens the site link");
  point.link = std::move(link);
  FP_TRY(comment, text_in(body.as_object(), "comment"));
  if (!comment.empty()) {
    FP_TRY(checked, parse_name(comment, kCommentBytesMax));
    point.comment = std::move(checked);
  }
  return point;
}

// Without a link of its own it is a role of a gateway.
Status check_point(Repositories& r, const FallbackPoint& point) {
  if (!point.fingerprint.empty()) return need_free_link(r, LinkOf::fallback_status_point, point.name, point.fingerprint);
  FP_TRY(all, r.site.management_points());
  for (const auto& mp : all)
    if (mp.gateway && mp.name == point.name) return {};
  return fail(Code::invalid, "fingerprint: is required, and link: {} is no gateway, over whose site link it could be reached", point.name);
}

Result<Answer> put_point(Context& c) {
  FP_TRY(wanted, point_of_body(c));
  FP_TRY(point, c.store.write([&](Repositories& r) -> Result<FallbackPoint> {
    FP_CHECK(check_point(r, wanted));
    FallbackPoint now = wanted;
    if (auto before = r.fallback.find_point(wanted.name)) {
      now = *before;
      now.fingerprint = wanted.fingerprint;
      now.link = wanted.link;
      now.comment = wanted.comment;
    }
    FP_CHECK(r.fallback.put_point(now));
    FP_CHECK(c.audit(r, "change", "fallback status point", now.name, now.link));
    return now;
  }));
  c.hooks.fallback_wanted();
  return Answer{200, point_answer(c, point), {}};
}

Result<Answer> remove_point(Context& c) {
  FP_TRY(name, parse_host(c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_CHECK(r.fallback.remove_point(name));
    return c.audit(r, "delete", "fallback status point", name);
  });
  FP_CHECK(done);
  if (c.hooks.links_changed) c.hooks.links_changed();
  return Answer{};
}

// Which messages are meant: of a device that is known, or, for somebody who sees every device, of whoever calls itself so.
Result<FallbackFilter> filter_of(const Context& c, Repositories& r) {
  FallbackFilter filter;
  FP_TRY(limit, c.limit());
  filter.limit = limit;
  if (const auto before = c.argument("before"); !before.empty()) {
    const auto id = parse_int(before);
    if (!id || *id < 1) return fail(Code::invalid, "before: must be the id of a message");
    filter.before_id = *id;
  }
  const auto wanted = c.argument("device");
  if (wanted.empty()) {
    if (!c.sees_every_device())
      return fail(Code::forbidden, "messages of computers that nobody knows are for administrators of every device: name a device of yours");
    return filter;
  }
  const auto device = find_device(r, wanted);
  if (device) {
    FP_CHECK(c.need_device(r, *device));
    filter.client_id = device->client_id;
    filter.name = device->name;
    return filter;
  }
  if (device.error().code != Code::not_found || !c.sees_every_device()) return std::unexpected(device.error());
  if (auto id = parse_client_id(wanted)) filter.client_id = *id;
  else filter.name = wanted;
  return filter;
}

Result<Answer> list_messages(Context& c) {
  FP_TRY(found, c.store.read([&](Repositories& r) -> Result<std::vector<FallbackMessage>> {
    FP_TRY(filter, filter_of(c, r));
    return r.fallback.messages(filter);
  }));
  FP_TRY(limit, c.limit());
  json::array items;
  for (const auto& message : found) items.push_back(to_answer(message));
  json::object out{{"items", std::move(items)}};
  if (static_cast<int>(found.size()) >= limit) out["next"] = std::to_string(found.back().id);
  return Answer{200, std::move(out), {}};
}

constexpr Route kRoutes[] = {
    {"GET", "/fallback/points", ObjectClass::site, kReadObject, list_points},
    {"PUT", "/fallback/points/{name}", ObjectClass::site, kModifyObject, put_point},
    {"DELETE", "/fallback/points/{name}", ObjectClass::site, kDeleteObject, remove_point},
    {"GET", "/fallback/messages", ObjectClass::status, kReadObject, list_messages},
};

}  // namespace

json::object to_answer(const FallbackMessage& m) {
  const bool readable = m.topic_type != 0;
  return {{"id", m.id},
          {"trusted", false},
          {"fsp", m.fsp},
          {"sealed", m.sealed},
          {"address", m.address},
          {"site_code", m.site_code},
          {"client_id", m.client_id},
          {"name", m.name},
          {"sender", m.sender},
          {"topic_type", m.topic_type},
          {"topic", readable ? wire::topic_name(m.topic_type) : "unreadable"},
          {"topic_id", m.topic_id},
          {"state_id", m.state_id},
          {"state", readable ? wire::state_name(m.topic_type, m.state_id) : "it cannot be read"},
          {"failure", wire::is_failure(m.topic_type, m.state_id)},
          {"criticality", m.criticality},
          {"parameters", json::array(m.parameters.begin(), m.parameters.end())},
          {"details", m.details},
          {"sent_at", time_of(m.sent_at)},
          {"received_at", time_of(m.received_at)},
          {"stored_at", time_of(m.stored_at)}};
}

std::string sentence_of(const FallbackMessage& m) {
  std::string text = m.topic_type == 0 ? "something that cannot be read" : wire::state_name(m.topic_type, m.state_id);
  if (!m.details.empty()) return text + ": " + m.details;
  for (std::size_t n = 0; n < m.parameters.size(); ++n) text += (n == 0 ? ": " : ", ") + m.parameters[n];
  return text;
}

Result<std::optional<FallbackMessage>> newest_said(Repositories& r, const Device& device) {
  FP_TRY(found, r.fallback.messages({device.client_id, device.name, 0, 1}));
  if (found.empty()) return std::nullopt;
  return std::optional(std::move(found.front()));
}

std::span<const Route> fallback_routes() { return kRoutes; }

}  // namespace fp::admin
