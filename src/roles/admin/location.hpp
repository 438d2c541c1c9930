// Where a device said it is, and why: the decision of its last report, every probe behind it, and the boundary groups that the
// site makes of it (domain.md §2, §10, §37 item 1). Reads only.
#pragma once
#include <boost/json.hpp>

#include <string>

#include "store/store.hpp"

namespace fp::admin {

[[nodiscard]] Result<boost::json::object> location_of(store::Repositories& r, const Device& device, std::string_view site_code);
// The same in one sentence, for the story of a deployment.
[[nodiscard]] Result<std::string> location_sentence(store::Repositories& r, const Device& device);

}  // namespace fp::admin
