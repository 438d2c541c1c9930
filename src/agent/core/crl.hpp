// Revocation lists for the check of site systems' certificates, kept as one PEM file that the TLS client reads
// (domain.md §5.4). One thread; a fetch over plain HTTP per list that runs out. Never: goes on without a list that is due.
#pragma once
#include <functional>
#include <memory>

#include "agent/core/certificate.hpp"
#include "agent/core/http_transport.hpp"

namespace fp::agent {

// The lists named in the client's own chain and in the CA file: site systems have the same issuers, and where they have not,
// their certificate counts as revoked. `file` is written anew when a list has less than half of its life left; while the old
// one is good a failed fetch does no harm. Code::unavailable otherwise. `way`: how to get out of here; where that fails, intranet
// and internet are tried the other way about, because the place that is remembered may be the one before.
[[nodiscard]] Result<Path> refresh_crls(const ClientCertificate& certificate, const Path& file, Instant now,
                                        const std::function<std::unique_ptr<Transport>(const HttpTransportOptions&)>& connect,
                                        const InstallSettings& settings, const HttpTransportOptions& way);

}  // namespace fp::agent
