// What a handler of the admin API works with: the request taken apart, who asks, and the pieces of the site. One thread: a
// Context lives for one request. Internal to this room.
#pragma once
#include <boost/json.hpp>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/access/rbac.hpp"
#include "roles/admin/api.hpp"
#include "wire/model_json_value.hpp"

namespace fp::admin {

namespace json = boost::json;
using store::Repositories;

struct Answer {
  int status = 200;
  json::value body;
  std::string text;  // instead of JSON, where not empty
};

struct Context {
  net::Request& request;
  std::vector<std::string> params;           // values of {...} in the pattern, decoded
  std::map<std::string, std::string> query;  // decoded
  Administrator who;
  std::vector<CustomRole> own_roles;         // the site's, beside the built-in ones
  store::Store& store;
  const Clock& clock;
  Random& random;
  const site::PolicyMaker& policies;
  const site::CollectionEvaluator& evaluator;
  const Settings& settings;
  const Hooks& hooks;

  [[nodiscard]] std::string argument(const std::string& name, std::string fallback = {}) const;
  [[nodiscard]] Result<int> limit() const;  // ?limit=, 1 to 1000, 200 where absent
  [[nodiscard]] Result<json::value> body() const;
  // Body as one of the model's types.
  template <class T>
  [[nodiscard]] Result<T> body_as() const {
    FP_TRY(value, body());
    return wire::from_value<T>(value);
  }
  // Further permissions than the route's own: the scope of an object, the collection a deployment aims at.
  [[nodiscard]] Status need(access::ObjectClass object, access::Permission permission, std::string_view scope = {}) const;
  // The collection, or one that limits it, is among the administrator's.
  [[nodiscard]] Status need_target(Repositories& r, std::string_view collection_id) const;
  // The administrator's collections hold every device.
  [[nodiscard]] bool sees_every_device() const;
  // The device is in one of the administrator's collections.
  [[nodiscard]] Status need_device(Repositories& r, const Device& device) const;
  [[nodiscard]] Status audit(Repositories& r, std::string action, std::string kind, std::string id,
                             std::string detail = {}) const;
};

// Bodies name collections and software as a person types them; the model holds ids. Replaces the text at `field` (or each
// text of the list there) by what `find` makes of it; anything else is left for the decoder to refuse.
template <class Find>
[[nodiscard]] Status resolve(json::value& body, std::string_view field, Find find) {
  if (!body.is_object()) return {};
  auto* at = body.as_object().if_contains(field);
  if (!at) return {};
  const auto one = [&](json::value& text) -> Status {
    if (!text.is_string() || text.as_string().empty()) return {};
    FP_TRY(found, find(std::string_view(text.as_string())));
    text = json::string_view(found.id);
    return {};
  };
  if (!at->is_array()) return one(*at);
  for (auto& item : at->as_array()) FP_CHECK(one(item));
  return {};
}

using Handle = Result<Answer> (*)(Context&);

struct Route {
  std::string_view method, pattern;  // below /admin/v1
  access::ObjectClass object;
  access::Permission permission;
  Handle handle;
};

[[nodiscard]] std::span<const Route> device_routes();
[[nodiscard]] std::span<const Route> collection_routes();
[[nodiscard]] std::span<const Route> software_routes();
[[nodiscard]] std::span<const Route> content_routes();
[[nodiscard]] std::span<const Route> deployment_routes();
[[nodiscard]] std::span<const Route> administration_routes();
[[nodiscard]] std::span<const Route> role_routes();
[[nodiscard]] std::span<const Route> management_point_routes();
[[nodiscard]] std::span<const Route> gateway_routes();
[[nodiscard]] std::span<const Route> fallback_routes();
[[nodiscard]] std::span<const Route> publishing_routes();
[[nodiscard]] std::span<const Route> boundary_routes();
[[nodiscard]] std::span<const Route> client_routes();
[[nodiscard]] std::span<const Route> feature_routes();
[[nodiscard]] std::span<const Route> sequence_routes();
[[nodiscard]] std::span<const Route> directory_routes();

// The site in the directory of a domain, in one sentence.
[[nodiscard]] std::string sentence_of(const DirectoryState& state);
[[nodiscard]] std::span<const Route> enrollment_routes();
[[nodiscard]] std::span<const Route> update_routes();

// A feature that is refused (domain/internet): 409 with its own code, the reason, the feature and the seed's statement.
[[nodiscard]] Answer refusal(internet::Feature feature, const internet::Verdict& verdict);

// {"items": [...], "next": "key of the last one"}; next only where the page is full.
template <class T>
[[nodiscard]] json::value page_of(const std::vector<T>& items, int limit, const std::string& last) {
  json::object out;
  out["items"] = wire::to_value(items);
  if (static_cast<int>(items.size()) >= limit && !items.empty()) out["next"] = last;
  return out;
}
template <class T>
[[nodiscard]] json::value all_of(const std::vector<T>& items) {
  json::object out;
  out["items"] = wire::to_value(items);
  return out;
}

// The scope "All" is a right, not a place: an object cannot be in it. And the permission on whatever scope is wanted.
[[nodiscard]] Status check_scope(const Context& c, access::ObjectClass object, access::Permission permission, const std::string& scope);
// Code::conflict naming the deployment that carries it.
[[nodiscard]] Status used_by_deployment(Repositories& r, std::string_view id);
// Code::conflict naming the task sequence with a step that names this application, package or task sequence.
[[nodiscard]] Status used_by_sequence(Repositories& r, std::string_view id);

// The role is there, and giving it gives nothing over administrators that the giver does not have. Code::invalid, forbidden.
[[nodiscard]] Status need_grantable(const Context& c, std::string_view role);

// A host has one site link: the name is at no other one (`of`: a management point, or a fallback status point with a link of its own),
// and the certificate is no other host's. Code::conflict.
enum class LinkOf { management_point, fallback_status_point };
[[nodiscard]] Status need_free_link(Repositories& r, LinkOf of, const std::string& name, const std::string& fingerprint);
// What the plan for internet-based clients asks of a management point that is offered to them, in its words. Code::invalid.
[[nodiscard]] Status check_plan(const Settings& settings, const ManagementPoint& point);
// Forgets a distribution point of another host. Code::conflict: another pulls from it; Code::not_found.
[[nodiscard]] Status take_off_distribution_point(Repositories& r, const std::string& name);

// Optimistic locking: If-Match with the revision that the caller read; absent: whatever is there. Code::conflict.
[[nodiscard]] Status match_revision(const Context& c, std::int64_t revision);

}  // namespace fp::admin
