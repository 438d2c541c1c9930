// What an administrator may do: security role x object class x permission, narrowed by security scopes and collections
// (domain.md §30.2). Built-in roles are fixed; a copy of one may be changed. Any thread; pure; a decision walks a table of
// fifteen lines and the site's own roles.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/administration.hpp"

namespace fp::access {

enum class ObjectClass : unsigned char {
  device, collection, application, package, content, deployment, settings, site, administrator, audit, status,
  task_sequence,
};
inline constexpr std::size_t kObjectClasses = 12;

enum Permission : unsigned {
  kReadObject = 1,
  kCreateObject = 2,
  kModifyObject = 4,
  kDeleteObject = 8,
  kDeployObject = 16,
  kApproveObject = 32
};

struct SecurityRole {
  std::string_view name;
  unsigned permissions[kObjectClasses];  // in the order of ObjectClass
};
[[nodiscard]] std::span<const SecurityRole> security_roles();
[[nodiscard]] const SecurityRole* find_role(std::string_view name);  // as spelled; null: no such role
[[nodiscard]] std::string_view to_string(ObjectClass object);
[[nodiscard]] std::string_view to_string(Permission permission);

// The permissions of a role of one's own on a class of objects. What it names that is not there grants nothing.
[[nodiscard]] unsigned permissions_of(const CustomRole& role, ObjectClass object);
// Object classes and permissions by their names, as to_string() has them. Code::invalid, naming what is not there.
[[nodiscard]] Status check_permissions(const CustomRole& role);
// The copy of a built-in role, to be changed.
[[nodiscard]] CustomRole copy_of(const SecurityRole& role, std::string_view name);

struct Permit {
  bool allowed = false;
  std::string reason;  // of a refusal: what would be needed
};
// `scope`: of the object, empty where the class has none. The scope "All" covers every other one.
// `own`: the site's own roles.
[[nodiscard]] Permit may(const Administrator& who, ObjectClass object, Permission permission, std::string_view scope = {},
                         std::span<const CustomRole> own = {});
// May this administrator act on members of the collection? Its own collections and all systems say so.
[[nodiscard]] Permit may_target(const Administrator& who, std::string_view collection_id);

}  // namespace fp::access
