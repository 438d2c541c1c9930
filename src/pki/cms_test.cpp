// Sealing needs certificates, so its tests stand in this room.
#include "crypto/cms.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "crypto/openssl.hpp"
#include "pki/pki_test_support.hpp"

namespace fp::pki {
namespace {

using namespace testing;  // NOLINT: the room's own test values
using crypto::SealProfile;

constexpr std::string_view kOidOaep("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07", 11);
constexpr std::string_view kOidRsa("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 11);
constexpr std::string_view kOidAes256Cbc("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a", 11);
constexpr std::string_view kOid3Des("\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07", 10);

bool has(std::string_view der, std::string_view part) { return der.find(part) != std::string_view::npos; }

// The same certificate without its subjectKeyIdentifier, as other clients make them.
std::string without_key_id(const Certificate& c) {
  const crypto::OwnedX509 x(X509_dup(c.native()));
  const int at = X509_get_ext_by_NID(x.get(), NID_subject_key_identifier, -1);
  X509_EXTENSION_free(X509_delete_ext(x.get(), at));
  X509_sign(x.get(), a_key().native(), EVP_sha256());
  return crypto::to_der<i2d_X509>(x.get());
}

TEST(Cms, BothProfilesComeBackAndLookAsTheyShould) {
  const Certificate c = a_certificate(Profile::client, "pc1");
  const std::string plain("<xml/>\r\n\0with\nall bytes", 23);
  const std::string legacy = crypto::seal(plain, c.der(), SealProfile::legacy).value();
  const std::string modern = crypto::seal(plain, c.der(), SealProfile::modern).value();
  EXPECT_EQ(crypto::open(legacy, a_key(), c.der()), plain);
  EXPECT_EQ(crypto::open(modern, a_key(), c.der()), plain);
  EXPECT_TRUE(has(legacy, kOidRsa) && has(legacy, kOid3Des) && !has(legacy, kOidOaep));
  // OAEP with an empty SEQUENCE of parameters: every default, SHA-1 and MGF1 with SHA-1.
  EXPECT_TRUE(has(modern, std::string(kOidOaep) + std::string("\x30\x00", 2)) && has(modern, kOidAes256Cbc));
  EXPECT_TRUE(has(modern, std::string("\x80\x14", 2) + c.subject_key_id()));
  // encryptedContent is primitive [0]: 23 bytes become 32 with AES and 24 with 3DES.
  EXPECT_EQ(modern.substr(modern.size() - 34, 2), "\x80\x20");
  EXPECT_EQ(legacy.substr(legacy.size() - 26, 2), "\x80\x18");
}

TEST(Cms, ACertificateWithoutKeyIdentifierCanBeSealedTo) {
  const Certificate c = a_certificate(Profile::client, "pc1");
  const std::string bare = without_key_id(c);
  const std::string sealed = crypto::seal("secret", bare, SealProfile::modern).value();
  EXPECT_TRUE(has(sealed, std::string("\x80\x14", 2) + c.subject_key_id())) << "the SHA-1 of the key bits";
  EXPECT_EQ(crypto::open(sealed, a_key(), bare), "secret");
  EXPECT_EQ(crypto::open(crypto::seal("secret", bare, SealProfile::legacy).value(), a_key(), bare), "secret");
  const auto self = self_sign(a_key(), order_of(Profile::client_self_signed, "x"), random_of_tests()).value();
  EXPECT_EQ(crypto::open(crypto::seal("s", self.der()).value(), a_key(), self.der()), "s");
}

TEST(Cms, EmptyAndLongContentsAreFine) {
  const Certificate c = a_certificate(Profile::client, "pc1");
  EXPECT_EQ(crypto::open(crypto::seal("", c.der()).value(), a_key(), c.der()), "");
  const std::string megabyte(1U << 20, 'x');
  EXPECT_EQ(crypto::open(crypto::seal(megabyte, c.der()).value(), a_key(), c.der()), megabyte);
  EXPECT_EQ(crypto::seal(std::string(9U << 20, 'x'), c.der()).error().code, Code::too_large);
}

TEST(Cms, NobodyElseOpensIt) {
  const Certificate mine = a_certificate(Profile::client, "pc1");
  const Certificate other =
      issue(an_issuer(), order_of(Profile::client, "pc2"), a_key(1).public_key(), random_of_tests()).value();
  for (const auto profile : {SealProfile::legacy, SealProfile::modern}) {
    const std::string sealed = crypto::seal("secret", mine.der(), profile).value();
    EXPECT_EQ(crypto::open(sealed, a_key(1), other.der()).error().code, Code::unauthenticated);
    // The right name with the wrong key: a failure, or bytes that are not the secret (the library answers a wrong padding
    // with a random key, so that nobody learns from it).
    const auto wrong = crypto::open(sealed, a_key(1), mine.der());
    EXPECT_TRUE(!wrong.has_value() || *wrong != "secret");
  }
}

TEST(Cms, RubbishIsRefused) {
  const Certificate c = a_certificate(Profile::client, "pc1");
  const std::string sealed = crypto::seal("secret", c.der()).value();
  EXPECT_EQ(crypto::open("", a_key(), c.der()).error().code, Code::invalid);
  EXPECT_EQ(crypto::open("rubbish", a_key(), c.der()).error().code, Code::invalid);
  EXPECT_EQ(crypto::open(sealed + "x", a_key(), c.der()).error().code, Code::invalid);
  EXPECT_FALSE(crypto::open(sealed.substr(0, sealed.size() - 3), a_key(), c.der()).has_value());
  EXPECT_EQ(crypto::open(c.der(), a_key(), c.der()).error().code, Code::invalid);
  EXPECT_EQ(crypto::seal("x", "not a certificate").error().code, Code::invalid);
}

}  // namespace
}  // namespace fp::pki
