#include "site/boundaries.hpp"

namespace fp::site {

Result<boundary::Map> boundary_map(store::Repositories& r, std::string_view site_code) {
  FP_TRY(boundaries, r.boundaries.list());
  FP_TRY(groups, r.boundaries.list_groups());
  FP_TRY(settings, r.boundaries.settings());
  return boundary::Map{std::string(site_code), std::move(boundaries), std::move(groups), std::move(settings)};
}

}  // namespace fp::site
