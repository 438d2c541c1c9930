// What this site wants to be published in a directory (wire/published.hpp): itself, and each of its
// management points with the doors that it has. Any thread; reads the list of management points. Never: a
// secondary site's management points, which nobody is assigned by.
#pragma once
#include <string>
#include <vector>

#include "store/store.hpp"
#include "wire/directory/published.hpp"

namespace fp::site {

[[nodiscard]] Result<std::vector<wire::DirectoryObject>> wanted_publication(store::Repositories& r,
                                                                            const wire::PublishedSite& site);

}  // namespace fp::site
