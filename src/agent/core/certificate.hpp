// The client certificate: finds candidates in a folder of PEM files and has pki choose (domain.md §5.2). One thread; reads
// files. Never: writes keys, sends anything, falls back to a certificate that the rules rejected.
#pragma once
#include <string>
#include <vector>

#include "agent/core/settings.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "crypto/key.hpp"
#include "pki/certificate.hpp"

namespace fp::agent {

struct ClientCertificate {
  pki::Certificate certificate;
  std::vector<pki::Certificate> chain;  // what lies in the same file behind the leaf
  crypto::PrivateKey key;
  Path certificate_file, key_file;
  std::string reason;                   // why this one
};

struct CertificateSearch {
  Path folder;
  std::string computer_name;
  Instant now;
};

// The key lies in the certificate's own file, in NAME.key beside it, or in any .pem or .key file of the folder. Code::not_found
// when none is suitable; the message names each candidate with the reason against it.
[[nodiscard]] Result<ClientCertificate> choose_certificate(const InstallSettings& settings, const CertificateSearch& search);

// Without /UsePKICert: a self-signed certificate of the client's own (wire.md §4.4), made at the first call and kept in `folder`.
[[nodiscard]] Result<ClientCertificate> own_certificate(const Path& folder, Instant now, Random& random);

}  // namespace fp::agent
