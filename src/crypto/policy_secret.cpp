#include "crypto/policy_secret.hpp"

#include <cstdint>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/openssl.hpp"

namespace fp::crypto {
namespace {

constexpr std::size_t kHeaderBytes = 64;
constexpr std::uint32_t kMagic3Des = 0x1389, kMagicAes = 0x138A;
constexpr std::uint32_t kAlg3Des = 0x6603, kAlgAes128 = 0x660E, kAlgAes192 = 0x660F, kAlgAes256 = 0x6610;
constexpr std::uint32_t kHashBytes = 0x14;

std::string little_endian32(std::uint32_t value) {
  std::string out;
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
  return out;
}

std::uint32_t read32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

// CryptDeriveKey over SHA-1 for keys longer than the hash.
std::string derived_key(std::string_view seed, std::size_t bytes) {
  const std::string hash = sha1(seed);
  std::string inner(64, '\x36'), outer(64, '\x5C');
  for (std::size_t i = 0; i < hash.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ hash[i]);
    outer[i] = static_cast<char>(outer[i] ^ hash[i]);
  }
  return (sha1(inner) + sha1(outer)).substr(0, bytes);
}

struct Cipher {
  const EVP_CIPHER* method = nullptr;
  std::uint32_t magic = 0;
};

Cipher cipher_of(std::uint32_t algorithm) {
  switch (algorithm) {
    case kAlg3Des:
      return {EVP_des_ede3_cbc(), kMagic3Des};
    case kAlgAes128:
      return {EVP_aes_128_cbc(), kMagicAes};
    case kAlgAes192:
      return {EVP_aes_192_cbc(), kMagicAes};
    case kAlgAes256:
      return {EVP_aes_256_cbc(), kMagicAes};
    default:
      return {};
  }
}

// One CBC pass with an IV of zeros and PKCS#7 padding.
Result<std::string> run(const EVP_CIPHER* method, bool encrypting, std::string_view seed, std::string_view in) {
  const std::string key = derived_key(seed, static_cast<std::size_t>(EVP_CIPHER_get_key_length(method)));
  const std::string iv(16, '\0');
  const Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  std::string out(in.size() + 32, '\0');
  int first = 0, last = 0;
  if (!context ||
      EVP_CipherInit_ex(context.get(), method, nullptr, octets(std::string_view(key)), octets(std::string_view(iv)),
                        encrypting ? 1 : 0) != 1 ||
      EVP_CipherUpdate(context.get(), octets(out), &first, octets(in), static_cast<int>(in.size())) != 1 ||
      EVP_CipherFinal_ex(context.get(), octets(out) + first, &last) != 1)
    return fail_openssl(Code::invalid, "secret value");
  out.resize(static_cast<std::size_t>(first + last));
  return out;
}

}  // namespace

Result<std::string> obfuscate(std::string_view utf8, SecretAlgorithm algorithm, Random& random) {
  if (utf8.size() > kSecretBytesMax / 4) return fail(Code::too_large, "secret value of {} bytes", utf8.size());
  const std::string plain = to_utf16le(utf8) + std::string(2, '\0');
  const std::uint32_t id = algorithm == SecretAlgorithm::aes256 ? kAlgAes256 : kAlg3Des;
  const Cipher cipher = cipher_of(id);
  const std::string seed = random.bytes(kSecretSeedBytes);
  FP_TRY(sealed, run(cipher.method, true, seed, plain));
  return hex(little_endian32(cipher.magic) + seed + little_endian32(kHashBytes) +
             little_endian32(static_cast<std::uint32_t>(plain.size())) +
             little_endian32(static_cast<std::uint32_t>(sealed.size())) + little_endian32(id) + little_endian32(0) + sealed);
}

Result<std::string> deobfuscate(std::string_view hex_text) {
  if (hex_text.size() > 2 * (kHeaderBytes + kSecretBytesMax))
    return fail(Code::too_large, "secret value of {} digits", hex_text.size());
  FP_TRY(blob, unhex(hex_text));
  if (blob.size() <= kHeaderBytes) return fail(Code::invalid, "secret value of {} bytes has no header", blob.size());
  const Cipher cipher = cipher_of(read32(blob, 56));
  if (cipher.method == nullptr || read32(blob, 0) != cipher.magic || read32(blob, 44) != kHashBytes || read32(blob, 60) != 0)
    return fail(Code::invalid, "secret value with an unknown header");
  if (read32(blob, 52) != blob.size() - kHeaderBytes)
    return fail(Code::invalid, "secret value that says {} bytes and has {}", read32(blob, 52), blob.size() - kHeaderBytes);
  FP_TRY(plain, run(cipher.method, false, std::string_view(blob).substr(4, kSecretSeedBytes),
                    std::string_view(blob).substr(kHeaderBytes)));
  if (read32(blob, 48) != plain.size()) return fail(Code::invalid, "secret value whose plain length is wrong");
  std::string_view text = plain;
  if (text.ends_with(std::string_view("\0\0", 2)) && text.size() % 2 == 0) text.remove_suffix(2);
  return from_utf16le(text);
}

}  // namespace fp::crypto
