#include "site/publication.hpp"

#include "base/log.hpp"

namespace fp::site {

Result<std::vector<wire::DirectoryObject>> wanted_publication(store::Repositories& r,
                                                              const wire::PublishedSite& site) {
  std::vector<wire::DirectoryObject> out{wire::encode_published(site)};
  FP_TRY(points, r.site.management_points());
  for (const auto& p : points) {
    if (!p.site_code.empty()) continue;
    wire::PublishedManagementPoint point{site.site_code, p.name, {}, {}};
    if (p.connections != Connections::internet) point.intranet_url = p.intranet_url;
    if (p.connections != Connections::intranet) point.internet_url = p.internet_url;
    if (point.intranet_url.empty() && point.internet_url.empty()) continue;
    auto object = wire::encode_published(point);
    FP_TRY(read, wire::decode_published({object}));
    if (!read.refused.empty()) {
      log::warning("directory", "management point {} is not published: {}", p.name, read.refused.front());
      continue;
    }
    out.push_back(wire::encode_published(read.management_points.front()));  // with the ports spelt out
    if (out.size() >= wire::kPublishedObjectsMax) break;
  }
  return out;
}

}  // namespace fp::site
