// Security roles: the built-in ones, which stay as they are, and copies of them, which may be changed (domain.md §30.2).
#include <algorithm>

#include "base/text.hpp"
#include "roles/admin/context.hpp"

namespace fp::admin {
namespace {

using namespace access;

json::value to_answer(const CustomRole& role, bool built_in) {
  json::object permissions;
  for (const auto& [object, names] : role.permissions) {
    json::array list;
    for (const auto name : split(names, ' '))
      if (!name.empty()) list.push_back(json::value(name));
    permissions[object] = std::move(list);
  }
  json::object out{{"name", role.name}, {"built_in", built_in}, {"permissions", std::move(permissions)}};
  if (!built_in) out["copied_from"] = role.copied_from;
  return out;
}

Result<Answer> list(Context& c) {
  json::array out;
  for (const auto& role : security_roles()) out.push_back(to_answer(copy_of(role, role.name), true));
  for (const auto& role : c.own_roles) out.push_back(to_answer(role, false));
  return Answer{200, json::object{{"items", std::move(out)}}, {}};
}

// {"device": ["read", "approve"]} as the model has it.
Result<std::map<std::string, std::string>> permissions_of_body(const json::value& value) {
  if (!value.is_object()) return fail(Code::invalid, "permissions: must be an object of lists");
  std::map<std::string, std::string> out;
  for (const auto& [object, names] : value.as_object()) {
    if (!names.is_array()) return fail(Code::invalid, "permissions.{}: must be a list", std::string_view(object));
    std::string text;
    for (const auto& name : names.as_array()) {
      if (!name.is_string()) return fail(Code::invalid, "permissions.{}: must be a list of texts", std::string_view(object));
      text += (text.empty() ? "" : " ") + std::string(name.as_string());
    }
    out[object] = text;
  }
  return out;
}

// Name, source and permissions of the body; anything else is refused by its name.
Result<CustomRole> role_of_body(const Context& c) {
  FP_TRY(body, c.body());
  if (!body.is_object()) return fail(Code::invalid, "the body must be an object");
  auto& object = body.as_object();
  std::map<std::string, std::string> permissions;
  bool named = false;
  if (const auto* given = object.if_contains("permissions")) {
    FP_TRY(read, permissions_of_body(*given));
    permissions = std::move(read);
    named = true;
    object.erase("permissions");
  }
  object.erase("built_in");
  FP_TRY(role, wire::from_value<CustomRole>(body));
  if (named) role.permissions = std::move(permissions);
  else if (const auto* source = find_role(role.copied_from)) role.permissions = copy_of(*source, role.name).permissions;
  return role;
}

// Nobody makes a role that may more than they themselves or the role that it was copied from; and over administrators never
// more than they themselves.
Status check_powers(const Context& c, const CustomRole& role) {
  const auto* source = find_role(role.copied_from);
  if (!source) return fail(Code::invalid, "copied_from: there is no built-in role {}", role.copied_from);
  FP_CHECK(check_permissions(role));
  for (std::size_t i = 0; i < kObjectClasses; ++i) {
    const auto object = static_cast<ObjectClass>(i);
    const unsigned wanted = permissions_of(role, object);
    for (unsigned bit = kReadObject; bit <= kApproveObject; bit <<= 1) {
      const bool inherited = object != ObjectClass::administrator && (source->permissions[i] & bit) != 0;
      if ((wanted & bit) == 0 || inherited) continue;
      if (!c.need(object, static_cast<Permission>(bit)))
        return fail(Code::forbidden, "you may not {} {} yourself", to_string(static_cast<Permission>(bit)), to_string(object));
    }
  }
  return {};
}

Result<CustomRole> find_own(const Context& c, std::string_view name) {
  if (find_role(name)) return fail(Code::conflict, "{} is built in and stays as it is: copy it", name);
  const auto found = std::ranges::find_if(c.own_roles, [&](const CustomRole& role) { return iequals(role.name, name); });
  if (found == c.own_roles.end()) return fail(Code::not_found, "there is no security role {}", name);
  return *found;
}

Result<Answer> create(Context& c) {
  FP_TRY(wanted, role_of_body(c));
  FP_CHECK(check_powers(c, wanted));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(all, r.administration.roles());
    const auto taken = [&](std::string_view name) { return iequals(name, wanted.name); };
    if (std::ranges::any_of(security_roles(), taken, &SecurityRole::name) || std::ranges::any_of(all, taken, &CustomRole::name))
      return fail(Code::conflict, "there is a security role {} already", wanted.name);
    wanted.changed_at = r.change;
    FP_CHECK(r.administration.put_role(wanted));
    return c.audit(r, "create", "security role", wanted.name, "copied from " + wanted.copied_from);
  });
  FP_CHECK(done);
  return Answer{201, to_answer(wanted, false), {}};
}

Result<Answer> replace(Context& c) {
  FP_TRY(before, find_own(c, c.params[0]));
  FP_TRY(wanted, role_of_body(c));
  wanted.name = before.name;
  wanted.copied_from = before.copied_from;
  FP_CHECK(check_powers(c, before));
  FP_CHECK(check_powers(c, wanted));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    wanted.changed_at = r.change;
    FP_CHECK(r.administration.put_role(wanted));
    std::string all;
    for (const auto& [object, names] : wanted.permissions) all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", object, names);
    return c.audit(r, "change", "security role", wanted.name, all);
  });
  FP_CHECK(done);
  return Answer{200, to_answer(wanted, false), {}};
}

Result<Answer> remove(Context& c) {
  FP_TRY(found, find_own(c, c.params[0]));
  const Status done = c.store.write([&](Repositories& r) -> Status {
    FP_TRY(all, r.administration.list());
    for (const auto& a : all)
      if (std::ranges::find(a.roles, found.name) != a.roles.end())
        return fail(Code::conflict, "administrator {} has the role {}: give another one first", a.name, found.name);
    FP_CHECK(r.administration.remove_role(found.name));
    return c.audit(r, "delete", "security role", found.name);
  });
  FP_CHECK(done);
  return Answer{};
}

constexpr Route kRoutes[] = {
    {"GET", "/roles", ObjectClass::administrator, kReadObject, list},
    {"POST", "/roles", ObjectClass::administrator, kCreateObject, create},
    {"PUT", "/roles/{name}", ObjectClass::administrator, kModifyObject, replace},
    {"DELETE", "/roles/{name}", ObjectClass::administrator, kDeleteObject, remove},
};

}  // namespace

Status need_grantable(const Context& c, std::string_view name) {
  if (find_role(name)) return {};
  const auto role = std::ranges::find(c.own_roles, name, &CustomRole::name);
  if (role == c.own_roles.end()) return fail(Code::invalid, "there is no security role {}", name);
  const unsigned given = permissions_of(*role, ObjectClass::administrator);
  for (unsigned bit = kReadObject; bit <= kApproveObject; bit <<= 1)
    if ((given & bit) != 0 && !c.need(ObjectClass::administrator, static_cast<Permission>(bit)))
      return fail(Code::forbidden, "the role {} may {} administrators, which you may not", name,
                  to_string(static_cast<Permission>(bit)));
  return {};
}

std::span<const Route> role_routes() { return kRoutes; }

}  // namespace fp::admin
