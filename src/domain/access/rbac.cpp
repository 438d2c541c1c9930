#include "domain/access/rbac.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "model/collection.hpp"

namespace fp::access {
namespace {

constexpr unsigned R = kReadObject;
constexpr unsigned P = R | kApproveObject;
constexpr unsigned L = R | kDeployObject;
constexpr unsigned M = R | kModifyObject;
constexpr unsigned A = R | kCreateObject | kModifyObject | kDeleteObject;
constexpr unsigned D = A | kDeployObject;
constexpr unsigned F = D | kApproveObject;

// clang-format off
constexpr SecurityRole kRoles[] = {
  //                                      device coll appl pack cont depl sett site admin audit status sequence
  {"Application Administrator",          { P,  D,  F,  D,  D,  A,  A,  R,  0,  0,  R,  D}},
  {"Application Author",                 { 0,  0,  A,  A,  A,  0,  0,  R,  0,  0,  R,  A}},
  {"Application Deployment Manager",     { R,  L,  L,  L,  L,  A,  0,  R,  0,  0,  R,  L}},
  {"Asset Manager",                      { R,  R,  0,  0,  0,  0,  0,  R,  0,  0,  R,  0}},
  {"Company Resource Access Manager",    { R,  L,  0,  0,  0,  0,  0,  R,  0,  0,  R,  0}},
  {"Compliance Settings Manager",        { R,  L,  0,  0,  0,  0,  R,  R,  0,  0,  R,  0}},
  {"Endpoint Protection Manager",        { R,  L,  0,  0,  0,  0,  M,  R,  0,  0,  R,  0}},
  {"Full Administrator",                 { F,  F,  F,  F,  F,  F,  F,  F,  F,  F,  F,  F}},
  {"Infrastructure Administrator",       { R,  R,  0,  0,  R,  0,  A,  A,  0,  0,  R,  0}},
  {"Operating System Deployment Manager",{ R,  L,  R,  D,  D,  A,  0,  R,  0,  0,  R,  D}},
  {"Operations Administrator",           { F,  F,  F,  F,  F,  F,  F,  F,  R,  R,  F,  F}},
  {"Read-only Analyst",                  { R,  R,  R,  R,  R,  R,  R,  R,  R,  R,  R,  R}},
  {"Remote Tools Operator",              { R,  R,  0,  0,  0,  0,  0,  R,  0,  0,  0,  0}},
  {"Security Administrator",             { R,  R,  0,  0,  0,  0,  0,  R,  A,  R,  R,  0}},
  {"Software Update Manager",            { R,  L,  0,  R,  D,  A,  R,  R,  0,  0,  R,  0}},
};
// clang-format on

constexpr Permission kPermissions[] = {kReadObject, kCreateObject, kModifyObject, kDeleteObject, kDeployObject, kApproveObject};

// 0: no such permission.
unsigned permission_named(std::string_view name) {
  for (const auto p : kPermissions)
    if (to_string(p) == name) return p;
  return 0;
}

bool covers(const std::vector<std::string>& held, std::string_view wanted, std::string_view all) {
  return std::ranges::any_of(held, [&](const std::string& h) { return h == wanted || h == all; });
}

}  // namespace

std::span<const SecurityRole> security_roles() { return kRoles; }

const SecurityRole* find_role(std::string_view name) {
  const auto* found = std::ranges::find(kRoles, name, &SecurityRole::name);
  return found == std::end(kRoles) ? nullptr : found;
}

std::string_view to_string(ObjectClass object) {
  constexpr std::string_view kNames[kObjectClasses] = {"device", "collection", "application", "package", "content", "deployment",
                                                       "client settings", "site", "administrator", "audit", "status", "task sequence"};
  return kNames[static_cast<std::size_t>(object)];
}

std::string_view to_string(Permission permission) {
  switch (permission) {
    case kReadObject: return "read";
    case kCreateObject: return "create";
    case kModifyObject: return "modify";
    case kDeleteObject: return "delete";
    case kDeployObject: return "deploy";
    case kApproveObject: return "approve";
  }
  return "?";
}

unsigned permissions_of(const CustomRole& role, ObjectClass object) {
  const auto found = role.permissions.find(std::string(to_string(object)));
  unsigned bits = 0;
  if (found != role.permissions.end())
    for (const auto name : split(found->second, ' ')) bits |= permission_named(name);
  return bits;
}

Status check_permissions(const CustomRole& role) {
  for (const auto& [object, names] : role.permissions) {
    bool known = false;
    for (std::size_t i = 0; i < kObjectClasses; ++i) known |= to_string(static_cast<ObjectClass>(i)) == object;
    if (!known) return fail(Code::invalid, "permissions: there is no object class {}", object);
    for (const auto name : split(names, ' '))
      if (!name.empty() && permission_named(name) == 0)
        return fail(Code::invalid, "permissions.{}: there is no permission {}", object, name);
  }
  return {};
}

CustomRole copy_of(const SecurityRole& role, std::string_view name) {
  CustomRole copy{std::string(name), std::string(role.name), {}, {}};
  for (std::size_t i = 0; i < kObjectClasses; ++i) {
    std::string names;
    for (const auto p : kPermissions)
      if ((role.permissions[i] & p) != 0) names += (names.empty() ? "" : " ") + std::string(to_string(p));
    if (!names.empty()) copy.permissions.emplace(to_string(static_cast<ObjectClass>(i)), std::move(names));
  }
  return copy;
}

Permit may(const Administrator& who, ObjectClass object, Permission permission, std::string_view scope,
           std::span<const CustomRole> own) {
  if (!who.enabled) return {false, fmt::format("administrator {} is disabled", who.name)};
  bool by_role = false;
  for (const auto& name : who.roles) {
    const SecurityRole* role = find_role(name);
    by_role |= role && (role->permissions[static_cast<std::size_t>(object)] & permission) != 0;
    const auto custom = std::ranges::find(own, name, &CustomRole::name);
    by_role |= !role && custom != own.end() && (permissions_of(*custom, object) & permission) != 0;
  }
  if (!by_role) {
    std::string roles;
    for (const auto& role : kRoles)
      if ((role.permissions[static_cast<std::size_t>(object)] & permission) != 0)
        roles += (roles.empty() ? "" : ", ") + std::string(role.name);
    for (const auto& role : own)
      if ((permissions_of(role, object) & permission) != 0) roles += ", " + role.name;
    return {false, fmt::format("{} {}: needs one of the roles {}", to_string(permission), to_string(object), roles)};
  }
  if (!scope.empty() && !covers(who.scopes, scope, "All"))
    return {false, fmt::format("the object is in the security scope {}, which {} does not have", scope, who.name)};
  return {true, {}};
}

Permit may_target(const Administrator& who, std::string_view collection_id) {
  if (covers(who.collections, collection_id, kAllSystems)) return {true, {}};
  return {false, fmt::format("collection {} is not among those of {}", collection_id, who.name)};
}

}  // namespace fp::access
