#include <cstdint>
#include <cstdlib>

#include "pki/verifier.hpp"

// A certificate that parses comes back from its own bytes, and no verifier believes one that nobody issued.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(fp::pki::Certificate::chain_from_pem(bytes));
  const auto c = fp::pki::Certificate::from_der(bytes);
  if (!c) return 0;
  if (fp::pki::Certificate::from_der(c->der()).value() != *c) std::abort();
  static_cast<void>(c->attribute("SAN"));
  static_cast<void>(c->label());
  static_cast<void>(fp::pki::names_host(*c, "mp.example.org"));
  static const fp::pki::Verifier verifier({}, nullptr);
  if (verifier.check_client(*c, {}, fp::Instant{1'800'000'000'000}).ok()) std::abort();
  return 0;
}
