// Objects by id or by name, as an administrator types them. Reads only. Code::not_found, or Code::conflict where a name means
// several objects (named).
#pragma once
#include <string_view>

#include "store/store.hpp"

namespace fp::admin {

[[nodiscard]] Result<Device> find_device(store::Repositories& r, std::string_view id_or_name);
[[nodiscard]] Result<Collection> find_collection(store::Repositories& r, std::string_view id_or_name);
[[nodiscard]] Result<Application> find_application(store::Repositories& r, std::string_view id_or_name);
[[nodiscard]] Result<Package> find_package(store::Repositories& r, std::string_view id_or_name);
[[nodiscard]] Result<Boundary> find_boundary(store::Repositories& r, std::string_view id_or_name);
[[nodiscard]] Result<TaskSequence> find_task_sequence(store::Repositories& r, std::string_view id_or_name);
[[nodiscard]] Result<Deployment> find_deployment(store::Repositories& r, std::string_view id_or_software_name);

}  // namespace fp::admin
