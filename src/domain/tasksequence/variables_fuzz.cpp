// Whatever the text, putting variables in place ends, and no secret is left in what is masked.
#include <cstdint>
#include <cstdlib>

#include "domain/tasksequence/variables.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fp::tasksequence::Variables v;
  fp::tasksequence::set(v, "Key", "s3cret", true);
  fp::tasksequence::set(v, "Name", "desk", false);
  fp::tasksequence::set(v, {{"Made", std::string(text.substr(0, 1000)), false}});
  const auto out = fp::tasksequence::mask(fp::tasksequence::substitute(text, v), v);
  if (out.find("s3cret") != std::string::npos) std::abort();
  return 0;
}
