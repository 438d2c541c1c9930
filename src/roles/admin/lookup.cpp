#include "roles/admin/lookup.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::admin {
namespace {

// The one object of that name in a list.
template <class T>
Result<T> by_name(std::vector<T>&& all, std::string_view kind, std::string_view name) {
  const T* found = nullptr;
  for (const auto& item : all) {
    if (!iequals(item.name, name)) continue;
    if (found) return fail(Code::conflict, "there are several {}s named {}: use an id ({}, {})", kind, name, found->id, item.id);
    found = &item;
  }
  if (!found) return fail(Code::not_found, "there is no {} {}", kind, name);
  return *found;
}

// A malformed id cannot be in the store; anything else than "not there" is passed on.
template <class T>
bool final_answer(const Result<T>& r) {
  return r.has_value() || r.error().code != Code::not_found;
}

}  // namespace

Result<Device> find_device(store::Repositories& r, std::string_view id_or_name) {
  if (const auto id = parse_client_id(id_or_name)) return r.devices.find(*id);
  FP_TRY(name, parse_name(id_or_name, 255));
  FP_TRY(found, r.devices.find_by_name(name));
  if (const auto dot = name.find('.'); found.empty() && dot != std::string::npos) {  // its full name: its certificate bears that one
    FP_TRY(likely, r.devices.find_by_name(name.substr(0, dot)));
    std::erase_if(likely, [&](const Device& d) { return !iequals(d.fqdn, name); });
    found = std::move(likely);
  }
  if (found.empty()) return fail(Code::not_found, "there is no device {}", name);
  if (found.size() > 1)
    return fail(Code::conflict, "there are several devices named {}: use an id ({}, {})", name,
                found[0].client_id, found[1].client_id);
  return found.front();
}

Result<Collection> find_collection(store::Repositories& r, std::string_view id_or_name) {
  if (const auto id = parse_object_id(id_or_name))
    if (auto found = r.collections.find(*id); final_answer(found)) return found;
  FP_TRY(all, r.collections.list());
  return by_name(std::move(all), "collection", id_or_name);
}

Result<Application> find_application(store::Repositories& r, std::string_view id_or_name) {
  if (const auto id = parse_guid(id_or_name))
    if (auto found = r.software.find_application(*id); final_answer(found)) return found;
  FP_TRY(all, r.software.list_applications());
  return by_name(std::move(all), "application", id_or_name);
}

Result<Package> find_package(store::Repositories& r, std::string_view id_or_name) {
  if (const auto id = parse_object_id(id_or_name))
    if (auto found = r.software.find_package(*id); final_answer(found)) return found;
  FP_TRY(all, r.software.list_packages());
  return by_name(std::move(all), "package", id_or_name);
}

Result<Boundary> find_boundary(store::Repositories& r, std::string_view id_or_name) {
  if (const auto id = parse_object_id(id_or_name))
    if (auto found = r.boundaries.find(*id); final_answer(found)) return found;
  FP_TRY(all, r.boundaries.list());
  return by_name(std::move(all), "boundary", id_or_name);
}

Result<TaskSequence> find_task_sequence(store::Repositories& r, std::string_view id_or_name) {
  if (const auto id = parse_object_id(id_or_name))
    if (auto found = r.software.find_task_sequence(*id); final_answer(found)) return found;
  FP_TRY(all, r.software.list_task_sequences());
  return by_name(std::move(all), "task sequence", id_or_name);
}

Result<Deployment> find_deployment(store::Repositories& r, std::string_view id_or_software_name) {
  if (const auto id = parse_object_id(id_or_software_name))
    if (auto found = r.deployments.find(*id); final_answer(found)) return found;
  std::string target;
  if (const auto application = find_application(r, id_or_software_name)) target = application->id;
  else if (const auto package = find_package(r, id_or_software_name)) target = package->id;
  else if (const auto sequence = find_task_sequence(r, id_or_software_name)) target = sequence->id;
  FP_TRY(all, r.deployments.list());
  const Deployment* found = nullptr;
  for (const auto& d : all) {
    if (target.empty() || d.target_id != target) continue;
    if (found)
      return fail(Code::conflict, "{} is deployed more than once: use an id ({}, {})", id_or_software_name,
                  found->id, d.id);
    found = &d;
  }
  if (!found) return fail(Code::not_found, "there is no deployment {}", id_or_software_name);
  return *found;
}

}  // namespace fp::admin
