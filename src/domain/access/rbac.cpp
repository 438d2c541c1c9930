#include "domain/access/rbac.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/collection.hpp"

namespace fp::access {
namespace {

constexpr unsigned R = kReadObject;
constexpr unsigned M = R | kModifyObject;
constexpr unsigned A = R | kCreateObject | kModifyObject | kDeleteObject;
constexpr unsigned D = A | kDeployObject;
constexpr unsigned F = D | kApproveObject;

// clang-format off
constexpr SecurityRole kRoles[] = {
  //                                      device              collection           appl  pack  content deploy sett  site  admin audit status
  {"Application Administrator",          {R | kApproveObject, A | kDeployObject,   F,    D,    D,      A,     A,    R,    0,    0,    R}},
  {"Application Author",                 {0,                  0,                   A,    A,    A,      0,     0,    R,    0,    0,    R}},
  {"Application Deployment Manager",     {R,                  R | kDeployObject,   R | kDeployObject, R | kDeployObject, R | kDeployObject, A, 0, R, 0, 0, R}},
  {"Asset Manager",                      {R,                  R,                   0,    0,    0,      0,     0,    R,    0,    0,    R}},
  {"Company Resource Access Manager",    {R,                  R | kDeployObject,   0,    0,    0,      0,     0,    R,    0,    0,    R}},
  {"Compliance Settings Manager",        {R,                  R | kDeployObject,   0,    0,    0,      0,     R,    R,    0,    0,    R}},
  {"Endpoint Protection Manager",        {R,                  R | kDeployObject,   0,    0,    0,      0,     M,    R,    0,    0,    R}},
  {"Full Administrator",                 {F,                  F,                   F,    F,    F,      F,     F,    F,    F,    F,    F}},
  {"Infrastructure Administrator",       {R,                  R,                   0,    0,    R,      0,     A,    A,    0,    0,    R}},
  {"Operating System Deployment Manager",{R,                  R | kDeployObject,   R,    D,    D,      A,     0,    R,    0,    0,    R}},
  {"Operations Administrator",           {F,                  F,                   F,    F,    F,      F,     F,    F,    R,    R,    F}},
  {"Read-only Analyst",                  {R,                  R,                   R,    R,    R,      R,     R,    R,    R,    R,    R}},
  {"Remote Tools Operator",              {R,                  R,                   0,    0,    0,      0,     0,    R,    0,    0,    0}},
  {"Security Administrator",             {R,                  R,                   0,    0,    0,      0,     0,    R,    A,    R,    R}},
  {"Software Update Manager",            {R,                  R | kDeployObject,   0,    R,    D,      A,     R,    R,    0,    0,    R}},
};
// clang-format on

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
                                                       "client settings", "site", "administrator", "audit", "status"};
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

Permit may(const Administrator& who, ObjectClass object, Permission permission, std::string_view scope) {
  if (!who.enabled) return {false, fmt::format("administrator {} is disabled", who.name)};
  bool by_role = false;
  for (const auto& name : who.roles) {
    const SecurityRole* role = find_role(name);
    by_role |= role && (role->permissions[static_cast<std::size_t>(object)] & permission) != 0;
  }
  if (!by_role) {
    std::string roles;
    for (const auto& role : kRoles)
      if ((role.permissions[static_cast<std::size_t>(object)] & permission) != 0)
        roles += (roles.empty() ? "" : ", ") + std::string(role.name);
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
