// What an administrator may do: security role x object class x permission, narrowed by security scopes and collections
// (domain.md §30.2). Built-in roles are fixed. Any thread; pure; a decision walks a table of fifteen lines.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "model/administration.hpp"

namespace fp::access {

enum class ObjectClass : unsigned char {
  device, collection, application, package, content, deployment, settings, site, administrator, audit, status,
};
inline constexpr std::size_t kObjectClasses = 11;

enum Permission : unsigned { kReadObject = 1, kCreateObject = 2, kModifyObject = 4, kDeleteObject = 8, kDeployObject = 16, kApproveObject = 32 };

struct SecurityRole {
  std::string_view name;
  unsigned permissions[kObjectClasses];  // in the order of ObjectClass
};
[[nodiscard]] std::span<const SecurityRole> security_roles();
[[nodiscard]] const SecurityRole* find_role(std::string_view name);  // as spelled; null: no such role
[[nodiscard]] std::string_view to_string(ObjectClass object);
[[nodiscard]] std::string_view to_string(Permission permission);

struct Permit {
  bool allowed = false;
  std::string reason;  // of a refusal: what would be needed
};
// `scope`: of the object, empty where the class has none. The scope "All" covers every other one.
[[nodiscard]] Permit may(const Administrator& who, ObjectClass object, Permission permission, std::string_view scope = {});
// May this administrator act on members of the collection? Its own collections and all systems say so.
[[nodiscard]] Permit may_target(const Administrator& who, std::string_view collection_id);

}  // namespace fp::access
