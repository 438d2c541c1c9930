#include <cstdint>
#include <cstdlib>

#include "pki/crl_store.hpp"
#include "pki/pki_test_support.hpp"

// Whatever the bytes are, only a list that the issuer signed makes a certificate good or revoked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fp::pki;
  static const Certificate leaf = testing::a_certificate(Profile::client, "pc1");
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto crl = Crl::parse(bytes);
  if (!crl) return 0;
  static_cast<void>(crl->lists(leaf));
  static_cast<void>(crl->unfit_for(leaf));
  CrlStore store([&](const std::string&) -> fp::Result<std::string> { return bytes; });
  const bool signed_list = crl->signed_by(testing::an_issuer().certificate);
  const auto answer = store.check(leaf, testing::an_issuer().certificate, testing::kNow);
  if (!signed_list && answer.state != Revocation::unavailable) std::abort();
  return 0;
}
