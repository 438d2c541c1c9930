// What the site server asks of a distribution point under /farpoint/dp/v1/ (docs/protocol/distribution.md). The caller was found
// to be the site server before. Any thread; every write is durable when the answer is made; every one may be sent again.
#pragma once
#include <string_view>

#include "content/library.hpp"
#include "net/http.hpp"
#include "roles/dp/delivered_trust.hpp"
#include "roles/dp/pull_orders.hpp"

namespace fp::dp {

// `rest`: the decoded path behind "/farpoint/dp/". `trust`: null on the site's own distribution point.
[[nodiscard]] net::Response answer_site(const net::Request& request, std::string_view rest, content::Library& library,
                                        PullOrders* pulls, DeliveredTrust* trust = nullptr);
[[nodiscard]] std::size_t site_body_bytes_max(std::string_view method, std::string_view path);

}  // namespace fp::dp
