#include "crypto/openssl.hpp"

#include <array>

namespace fp::crypto {

std::unexpected<Error> fail_openssl(Code code, std::string_view what) {
  std::array<char, 256> text{};
  const unsigned long error = ERR_peek_last_error();
  if (error != 0) ERR_error_string_n(error, text.data(), text.size());
  ERR_clear_error();
  if (error == 0) return fail(code, "{}", what);
  return fail(code, "{}: {}", what, text.data());
}

OwnedBio reading(std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return nullptr;
  return OwnedBio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

OwnedBio writing() { return OwnedBio(BIO_new(BIO_s_mem())); }

std::string taken_from(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace fp::crypto
