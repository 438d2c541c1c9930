#include <cstdint>
#include <cstdlib>

#include "pki/selection.hpp"

// The grammars of CCMCERTSEL and CCMCERTISSUERS: what is accepted says something.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto rule = fp::pki::parse_certsel(text);
  if (rule && (rule->value.empty() || (rule->kind == fp::pki::SubjectRule::Kind::attribute && rule->attribute.empty())))
    std::abort();
  if (const auto issuers = fp::pki::parse_issuers(text))
    for (const auto& issuer : *issuers)
      if (issuer.attributes.empty()) std::abort();
  return 0;
}
