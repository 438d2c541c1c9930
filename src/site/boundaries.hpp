// Everything that boundary decisions need, out of the store. Any thread that holds the repositories; reads every boundary and
// group. Keep what it gives while store::Boundaries::revision() stays the same.
#pragma once
#include "domain/boundary/boundary.hpp"
#include "store/store.hpp"

namespace fp::site {

[[nodiscard]] Result<boundary::Map> boundary_map(store::Repositories& r, std::string_view site_code);

}  // namespace fp::site
